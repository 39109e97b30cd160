// Takes out of a text whatever looks like a credential. The last line of defence: nothing in the program puts a token into
// a log line or an error, and if something does one day, it is not seen. Used by the logger and by the commands' output.

const shapes: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // A JWT: three base64url parts, the first two JSON objects.
  [/eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/g, '[redacted]'],
  // An Authorization header.
  [/\b(Bearer|Basic)\s+[\w+/=.~-]{8,}/gi, '$1 [redacted]'],
  // What an ECR token, a docker password or a session token looks like: one long run of base64.
  [/[A-Za-z0-9+/_-]{120,}={0,2}/g, '[redacted]'],
  // A secret access key beside its name.
  [/(secret_?access_?key["']?\s*[=:]\s*["']?)[A-Za-z0-9/+]{20,}/gi, '$1[redacted]'],
  // A field whose name says it, as JSON writes it.
  [
    /("(?:password|auth|authorization|secretAccessKey|sessionToken|authorizationToken)"\s*:\s*")(?:[^"\\]|\\.)*"/gi,
    '$1[redacted]"',
  ],
  // The same in JSON that is a text within JSON.
  [
    /(\\+"(?:password|auth|authorization|secretAccessKey|sessionToken|authorizationToken)\\+"\s*:\s*\\+")[^"]*?(\\+")/gi,
    '$1[redacted]$2',
  ],
];

/** The text without anything that looks like a credential. */
export function redact(text: string): string {
  return shapes.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}
