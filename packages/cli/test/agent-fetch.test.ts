import { once } from 'node:events';
import http from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { createAgentFetch } from '../src/network/agent-fetch.js';
import { createNetwork } from '../src/network/network.js';
import { startOf } from '../src/network/start-of-answer.js';
import { FakeClock } from './support/fake-clock.js';

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
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return createAgentFetch(
    () => Promise.resolve(new http.Agent()),
    'km/1',
  )(`http://127.0.0.1:${String(port)}/`);
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

/** What a server sees of requests that are sent one after the other, each read to its end. */
async function seenOf(requests: readonly (RequestInit | undefined)[]) {
  const seen: (Pick<http.IncomingMessage, 'method' | 'headers'> & { readonly body: string })[] = [];
  let connections = 0;
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, headers } = request;
      seen.push({ method, headers, body: Buffer.concat(chunks).toString() });
      response.end('{}');
    });
  });
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { fetch: send } = createNetwork({}, new FakeClock(), 'km/1');
  for (const init of requests) {
    const response = await send(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`, init);
    expect(await response.json()).toEqual({});
  }
  return { seen, connections };
}

test('requests that follow one another share a connection, and ask for nothing packed', async () => {
  const { seen, connections } = await seenOf([undefined, { method: 'POST', body: 'batch' }]);
  expect(seen).toMatchObject([
    { method: 'GET', headers: { 'accept-encoding': 'identity' }, body: '' },
    { method: 'POST', headers: { 'accept-encoding': 'identity' }, body: 'batch' },
  ]);
  expect(connections).toBe(1);
});

test('a request says who sends it, unless it says so itself', async () => {
  const own = { 'user-agent': 'other/2', accept: 'application/json' };
  const { seen } = await seenOf([undefined, { headers: own }]);
  expect(seen).toMatchObject([{ headers: { 'user-agent': 'km/1', accept: '*/*' } }, { headers: own }]);
});

test('a request whose signal is aborted before it is sent is not sent', async () => {
  const why = new Error('enough');
  await expect(seenOf([{ signal: AbortSignal.abort(why) }])).rejects.toBe(why);
});

/** A server that answers as `answer` does; resolves with its URL. */
async function serve(answer: (response: http.ServerResponse) => void): Promise<string> {
  const server = http.createServer((_, response) => answer(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
}

/** The answer of a server that packs what was not asked for packed. */
async function askPacking(coding: string, body: Buffer): Promise<Response> {
  const url = await serve((response) => {
    response.writeHead(200, { 'content-encoding': coding, 'content-length': body.length }).end(body);
  });
  return createNetwork({}, new FakeClock(), 'km/1').fetch(url);
}

test.each([
  ['gzip', gzipSync('{"a":1}')],
  ['GZIP', gzipSync('{"a":1}')],
  ['deflate', deflateSync('{"a":1}')],
  ['deflate', deflateRawSync('{"a":1}')],
  ['br', brotliCompressSync('{"a":1}')],
  ['deflate, gzip', gzipSync(deflateSync('{"a":1}'))],
  ['gzip', Buffer.from('{"a":1}')],
])('an answer that comes in %s all the same is read, and says nothing more of it', async (coding, body) => {
  const response = await askPacking(coding, body);
  expect([...response.headers.keys()]).not.toContain('content-encoding');
  expect([...response.headers.keys()]).not.toContain('content-length');
  expect(await response.json()).toEqual({ a: 1 });
});

test('one that unpacks to more than 1 MiB is given up, and of a smaller one the start can be had', async () => {
  const whole = await askPacking('gzip', gzipSync(Buffer.alloc(1_048_576, 'x')));
  expect(await startOf(whole, 1_000)).toHaveLength(1_048_576);
  const larger = await askPacking('gzip', gzipSync(Buffer.alloc(1_048_577, 'x')));
  await expect(larger.text()).rejects.toMatchObject({
    name: 'TypeError',
    cause: { message: 'the answer is larger than 1048576 bytes' },
  });
});

test('a packed one that is let go while it is waited for ends its connection', async () => {
  const closed: Promise<unknown>[] = [];
  const url = await serve((response) => {
    closed.push(once(response, 'close'));
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': '100' });
    response.write(gzipSync('{}').subarray(0, 5));
  });
  const { body } = await createNetwork({}, new FakeClock(), 'km/1').fetch(url);
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const next = reader.read();
  await reader.cancel();
  await next;
  await closed[0];
});

test.each([
  ['before any of it was read', 0],
  ['while more is waited for', 1],
])('an answer whose body is let go %s ends its connection', async (_when, chunks) => {
  const closed: Promise<unknown>[] = [];
  const url = await serve((response) => {
    closed.push(once(response, 'close'));
    response.writeHead(401, { 'content-length': '100' });
    response.write('{"error":');
  });
  const { body } = await createNetwork({}, new FakeClock(), 'km/1').fetch(url);
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  for (let read = 0; read < chunks; read += 1) await reader.read();
  const next = chunks === 0 ? undefined : reader.read();
  await reader.cancel();
  await next;
  await closed[0];
});

test('an answer that is there whole and is let go leaves nothing behind', async () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown): unknown => uncaught.push(error);
  process.on('uncaughtException', note);
  onTestFinished(() => void process.off('uncaughtException', note));
  const url = await serve((response) => response.writeHead(401).end('{"error":"invalid_token"}'));
  const { fetch: send } = createNetwork({}, new FakeClock(), 'km/1');
  for (let time = 0; time < 20; time += 1) {
    await (await send(url)).body?.cancel();
    await nextTurn();
  }
  expect(uncaught).toEqual([]);
});
