// The one image that the registry of the rig holds: a manifest, a configuration and one layer with one file, all with
// their true digests. Used by registry. Made in memory; it runs nothing, a node can only pull it.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** Some bytes of an image, and what they are. */
export interface Blob {
  readonly mediaType: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly content: Buffer;
}

/** An image as the OCI image specification lays it out. */
export interface Image {
  readonly manifest: Blob;
  /** The configuration and the layers. */
  readonly blobs: readonly Blob[];
}

/** The media type of the manifest, which a client must accept. */
export const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** `sha256:…` of some bytes, as the specification writes it. */
export function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** Makes the image. */
export function makeImage(): Image {
  const archive = tarOf('hello.txt', 'pulled with a Secret of ecr-pull-secrets\n');
  const layer = blob('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(archive));
  const config = jsonBlob('application/vnd.oci.image.config.v1+json', {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digestOf(archive)] },
  });
  const manifest = jsonBlob(manifestType, {
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor(config),
    layers: [descriptor(layer)],
  });
  return { manifest, blobs: [config, layer] };
}

function blob(mediaType: string, content: Buffer): Blob {
  return { mediaType, content, digest: digestOf(content) };
}

function jsonBlob(mediaType: string, value: object): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)));
}

function descriptor({ mediaType, digest, content }: Blob): object {
  return { mediaType, digest, size: content.length };
}

const block = 512;

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

/** An archive of one file, in the ustar format (POSIX.1-1988): a header, the content, two empty blocks. */
function tarOf(name: string, text: string): Buffer {
  const content = Buffer.from(text);
  const header = Buffer.alloc(block);
  header.write(name, 0);
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(content.length, 12), 124);
  header.write(octal(0, 12), 136);
  // While the checksum is computed its own field counts as spaces.
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 7)} `, 148);
  const padding = Buffer.alloc((block - (content.length % block)) % block);
  return Buffer.concat([header, content, padding, Buffer.alloc(2 * block)]);
}
