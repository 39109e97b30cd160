// Splits the body of a watch into its JSON documents, one a line. Used by kubernetes/api. A document that is cut off by
// the end of the stream is dropped: the watch goes on from the version before it.
import type { Readable } from 'node:stream';

/** Each line, parsed. @throws SyntaxError for a line that is no JSON */
export async function* jsonLines(stream: Readable): AsyncIterable<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line);
  }
}
