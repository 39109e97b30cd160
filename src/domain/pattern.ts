// Glob patterns for namespace names, as people know them from the shell: `*` any run of characters, `?` exactly one.
// Used by the selection of namespaces and of profiles. It knows nothing of namespaces themselves.

const toRegExp = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );

const compiled = new Map<string, RegExp>();

/** True when `name` matches at least one of the patterns. Patterns come from the configuration, so few are ever compiled. */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    let expression = compiled.get(pattern);
    if (expression === undefined) {
      expression = toRegExp(pattern);
      compiled.set(pattern, expression);
    }
    return expression.test(name);
  });
}
