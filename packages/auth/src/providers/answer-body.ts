/** The largest answer that is read, in bytes: 1 MiB. */
const MAX_ANSWER_BYTES = 1_048_576;

type Unpack = (
  packed: Uint8Array,
  limit: { readonly maxOutputLength: number },
  done: (error: Error | null, unpacked: Uint8Array) => void,
) => void;

/** How a coding is undone; where there are several ways, the first that works. */
function unpackersOf(coding: string): readonly Unpack[] {
  // Loaded when there is something to unpack, which is not asked for.
  const zlib = process.getBuiltinModule('node:zlib');
  switch (coding.trim()) {
    case 'gzip':
    case 'x-gzip':
      return [zlib.gunzip];
    case 'deflate':
      // Some servers leave out the frame that belongs to it: RFC 9110 §8.4.1.2.
      return [zlib.inflate, zlib.inflateRaw];
    case 'br':
      return [zlib.brotliDecompress];
    default:
      return [];
  }
}

function tooLarge(): Error {
  return new Error(`the answer is larger than ${String(MAX_ANSWER_BYTES)} bytes`);
}

/**
 * The bytes of a body.
 *
 * @throws {Error} when there are more than 1 MiB of them; the body is let go then.
 */
export async function readAnswer(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The text of a body, without a byte order mark, which is no JSON. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function isTooLarge(error: Error): boolean {
  return 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}

/** `undefined` where the bytes are not what it unpacks. */
function unpackedBy(unpack: Unpack, bytes: Uint8Array): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    unpack(bytes, { maxOutputLength: MAX_ANSWER_BYTES }, (error, unpacked) => {
      if (error !== null && isTooLarge(error)) reject(tooLarge());
      else resolve(error === null ? unpacked : undefined);
    });
  });
}

/**
 * The bytes of a body without the codings that `contentEncoding`, the header of that name, says: there are boxes on the way
 * that pack what nobody asked for packed. What does not hold what it says stays as it is: the status counts then, and there
 * are servers that name a coding and use none.
 *
 * @throws {Error} when there are more than 1 MiB, as they come or unpacked; the body is let go then.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-8.4 | RFC 9110 §8.4}
 */
export async function readUnpacked(
  body: AsyncIterable<Uint8Array>,
  contentEncoding: string | undefined,
): Promise<Uint8Array> {
  let bytes = await readAnswer(body);
  for (const coding of contentEncoding?.toLowerCase().split(',').reverse() ?? []) {
    for (const unpack of unpackersOf(coding)) {
      const unpacked = await unpackedBy(unpack, bytes);
      if (unpacked === undefined) continue;
      bytes = unpacked;
      break;
    }
  }
  return bytes;
}
