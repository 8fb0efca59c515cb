/** What a hotel's network answers, whatever was asked. */
export const PORTAL_PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Welcome to the guest network</title></head>
<body><h1>Welcome</h1><p>Please accept the terms to go online.</p><form method="post"><button>Accept</button></form></body>
</html>
`;

const DRIP_MS = 20;

/** The beginning of a token answer, which then goes on until the client or the API gives up. */
export function endlessBody(
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
  closing: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode('{"access_token":"'));
    },
    async pull(controller) {
      try {
        await sleep(DRIP_MS, closing);
        controller.enqueue(encoder.encode('x'.repeat(256)));
      } catch {
        controller.close();
      }
    },
  });
}

/** The first half of an answer, then the connection breaks. */
export function truncatedBody(half: Uint8Array): ReadableStream<Uint8Array> {
  let isSent = false;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (isSent) {
        controller.error(new TypeError('terminated: the connection was cut'));
        return;
      }
      isSent = true;
      controller.enqueue(half);
    },
  });
}
