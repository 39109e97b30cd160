// Writes the XML of the Query protocol: elements in elements, text in leaves. Used by sts. Attributes beyond the
// namespace of the root do not occur there, so they cannot be written.

/** An element: its children by name, in order. */
export interface Xml {
  readonly [name: string]: string | Xml;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '');

/** Renders a document; the namespace goes to its root element. */
export function renderXml(document: Xml, namespace?: string): string {
  const attribute = namespace === undefined ? '' : ` xmlns="${namespace}"`;
  return Object.entries(document)
    .map(([name, content]) => {
      const inner = typeof content === 'string' ? escape(content) : renderXml(content);
      return `<${name}${attribute}>${inner}</${name}>`;
    })
    .join('');
}
