import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAgentFetch } from '../src/network/agent-fetch.js';
import { PlainAgent } from './support/plain-agent.js';

/** Asks a server that answers every request with `head` and an empty object. */
async function ask(head: string): Promise<Response> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(Buffer.from(`${head}Content-Length: 2\r\n\r\n{}`, 'latin1')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new PlainAgent();
  onTestFinished(() => {
    agent.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return createAgentFetch(agent)(`https://127.0.0.1:${String(port)}/`);
}

test.each([['999'], ['600'], ['099']])(
  'a status that no answer can have fails one request: %s',
  async (status) => {
    await expect(ask(`HTTP/1.1 ${status} Odd\r\n`)).rejects.toMatchObject({
      name: 'TypeError',
      message: 'fetch failed',
      cause: { message: `HTTP ${String(Number(status))}` },
    });
  },
);

test('so does an answer that only announces another protocol', async () => {
  await expect(ask('HTTP/1.1 101 Switching Protocols\r\n')).rejects.toMatchObject({
    name: 'TypeError',
    cause: { message: 'HTTP 101' },
  });
});

test('so does one that goes over to another protocol', async () => {
  const head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n';
  await expect(ask(head)).rejects.toMatchObject({
    name: 'TypeError',
    message: 'fetch failed',
    cause: { message: 'the connection was closed before an answer' },
  });
});

test.each([['O\x01K'], ['O\x7fK'], ['O\xffK']])(
  'what a server says beside the status is of no account: %j',
  async (said) => {
    const response = await ask(`HTTP/1.1 200 ${said}\r\n`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({});
  },
);
