/**
 * The text of an answer, or where it has more bytes than `limitBytes` its beginning: a body that goes on and on is not read
 * to an end that it does not have. One that cannot be let go, or not at once, is not waited for.
 */
export async function startOf({ body }: Response, limitBytes: number): Promise<string> {
  if (body === null) return '';
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= limitBytes) {
    const { done, value } = await reader.read();
    if (done) return textOf(chunks);
    chunks.push(value);
    bytes += value.length;
  }
  reader.cancel().catch(() => undefined);
  return textOf(chunks);
}

function textOf(chunks: readonly Uint8Array[]): string {
  return new TextDecoder().decode(Buffer.concat(chunks));
}
