import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

const SERVER = `
  const { createServer } = require('node:http');
  const { parentPort } = require('node:worker_threads');
  const server = createServer((request, response) => {
    parentPort.postMessage('received');
    request.resume();
    // Once the client stands still.
    setTimeout(() => response.end('here'), 200);
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

/** A server in a thread of its own: it answers \`here\` while this one stands still, 200 ms after it was asked. */
export async function startServerApart() {
  const thread = new Worker(SERVER, { eval: true });
  onTestFinished(() => void thread.terminate());
  const [port] = (await once(thread, 'message')) as [number];
  const asked = once(thread, 'message');
  return { origin: `http://127.0.0.1:${String(port)}`, received: () => asked };
}

/** As a process does that is stopped, or whose machine sleeps: nothing in this thread goes on. */
export function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
