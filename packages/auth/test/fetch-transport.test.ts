import { expect, test } from 'vitest';
import { systemClock } from '../src/clock.js';
import { createFetchTransport } from '../src/providers/fetch-transport.js';
import type { HttpAnswer } from '../src/providers/http-transport.js';
import { fakeClock } from './support/fake-clock.js';
import { serve } from './support/http-server.js';
import { standStill, startServerApart } from './support/server-apart.js';

function ask(send: typeof fetch, origin = 'https://id.example'): Promise<HttpAnswer> {
  return createFetchTransport(
    send,
    fakeClock(),
  )({ url: new URL(origin), headers: {}, body: '{}', timeoutMs: 10_000, answerTimeoutMs: 10_000 });
}

/** A body of so many chunks of 64 KiB, and how many of them were taken before it was let go. */
function bodyOf(chunks: number) {
  let [taken, isLetGo] = [0, false];
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (taken === chunks) {
        controller.close();
        return;
      }
      taken += 1;
      controller.enqueue(new Uint8Array(65_536).fill(120));
    },
    cancel: () => {
      isLetGo = true;
    },
  });
  return { body, taken: () => taken, isLetGo: () => isLetGo };
}

test('an answer of exactly 1 MiB is read, without a byte order mark', async () => {
  expect((await ask(() => Promise.resolve(new Response(bodyOf(16).body)))).text).toHaveLength(1_048_576);
  expect((await ask(() => Promise.resolve(new Response('\uFEFF{"é":1}')))).text).toBe('{"é":1}');
});

test('an answer that never ends is given up at 1 MiB, and let go', async () => {
  const endless = bodyOf(Number.POSITIVE_INFINITY);

  await expect(ask(() => Promise.resolve(new Response(endless.body)))).rejects.toMatchObject({
    wasSent: true,
    message: 'the answer is larger than 1048576 bytes',
  });
  expect(endless.taken()).toBeLessThan(20);
  expect(endless.isLetGo()).toBe(true);
});

test('a fetch that failed says why', async () => {
  const failed = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
  await expect(ask(() => Promise.reject(failed))).rejects.toMatchObject({ message: 'connect ECONNREFUSED' });
});

test('an answer without a body has an empty text', async () => {
  expect(await ask(() => Promise.resolve(new Response(null, { status: 204 })))).toMatchObject({
    status: 204,
    text: '',
  });
});

test('what came while the process stood still, for longer than it would have waited, is an answer', async () => {
  const server = await startServerApart();
  const answer = createFetchTransport(
    fetch,
    systemClock,
  )({ url: new URL(server.origin), headers: {}, body: '{}', timeoutMs: 500, answerTimeoutMs: 500 });
  await server.received();
  standStill(1_500);

  expect((await answer).text).toBe('here');
});

test('over a real connection an answer is the same', async () => {
  await using server = await serve(() => ({ status: 418, headers: { 'x-a': 'b' }, body: '{"é":1}' }));

  expect(await ask(fetch, server.origin)).toMatchObject({
    status: 418,
    headers: { 'x-a': 'b' },
    text: '{"é":1}',
  });
});
