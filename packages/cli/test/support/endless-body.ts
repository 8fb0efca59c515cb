/** A body of spaces that goes on and on, and never lets go; and how many bytes of it were asked for. */
export function endlessBody(): { readonly body: ReadableStream; readonly sent: () => number } {
  let sent = 0;
  const body = new ReadableStream({
    pull: (controller) => {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536).fill(32));
    },
    cancel: () => new Promise<void>(() => undefined),
  });
  return { body, sent: () => sent };
}
