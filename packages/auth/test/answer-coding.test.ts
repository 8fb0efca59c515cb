import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createAuthManager } from '../src/index.js';
import { createNodeTransport, TransportError, type HttpAnswer } from '../src/providers/http-transport.js';
import { serve } from './support/http-server.js';

type Coded = { readonly body: Buffer; readonly coding?: string; readonly status?: number };

const JSON_TEXT = '{"é":1}';

/** The answer of a server that codes its body, and what it was asked for. */
async function answerTo(coded: Coded): Promise<HttpAnswer & { readonly asked: unknown }> {
  const { body, coding, status = 200 } = coded;
  await using server = await serve(() => (response) => {
    response.writeHead(status, coding === undefined ? {} : { 'content-encoding': coding }).end(body);
  });
  const answer = await createNodeTransport()({
    url: new URL(server.origin),
    headers: {},
    body: '{}',
    timeoutMs: 10_000,
    answerTimeoutMs: 10_000,
  });
  return { ...answer, asked: server.received[0]?.headers['accept-encoding'] };
}

describe('the body of an answer', () => {
  test('is asked for as it is', async () => {
    expect(await answerTo({ body: Buffer.from(JSON_TEXT) })).toMatchObject({
      asked: 'identity',
      text: JSON_TEXT,
    });
  });

  test.each([
    ['gzip', gzipSync(JSON_TEXT)],
    ['x-gzip', gzipSync(JSON_TEXT)],
    ['GZIP', gzipSync(JSON_TEXT)],
    ['deflate', deflateSync(JSON_TEXT)],
    ['deflate', deflateRawSync(JSON_TEXT)],
    ['br', brotliCompressSync(JSON_TEXT)],
    ['deflate, gzip', gzipSync(deflateSync(JSON_TEXT))],
    ['identity', Buffer.from(JSON_TEXT)],
  ])('is read where it comes in %s all the same', async (coding, body) => {
    expect((await answerTo({ coding, body })).text).toBe(JSON_TEXT);
  });

  test.each<[string, Coded]>([
    ['is none', { coding: 'gzip', body: Buffer.alloc(0) }],
    ['is not in the coding that it names', { coding: 'gzip', body: Buffer.from('busy') }],
    ['is in a coding that nobody knows', { coding: 'x-own', body: Buffer.from('busy') }],
  ])('that %s leaves the status to be read', async (_, coded) => {
    expect(await answerTo({ ...coded, status: 503 })).toMatchObject({
      status: 503,
      text: coded.body.toString('utf8'),
    });
  });

  test('begins after a byte order mark', async () => {
    expect((await answerTo({ body: Buffer.from(`\uFEFF${JSON_TEXT}`) })).text).toBe(JSON_TEXT);
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('in %s is given up where it unpacks to more than 1 MiB', async (coding, pack) => {
    const whole = await answerTo({ coding, body: pack(Buffer.alloc(1_048_576, 'x')) });
    expect(whole.text).toHaveLength(1_048_576);

    const larger = answerTo({ coding, body: pack(Buffer.alloc(1_048_577, 'x')) });
    await expect(larger).rejects.toBeInstanceOf(TransportError);
    await expect(larger).rejects.toMatchObject({
      wasSent: true,
      message: 'the answer is larger than 1048576 bytes',
    });
  });
});

test.each<[string, (text: string) => Coded]>([
  ['packed', (text) => ({ coding: 'gzip', body: gzipSync(text) })],
  ['after a byte order mark', (text) => ({ body: Buffer.from(`\uFEFF${text}`) })],
])('a token that comes %s is taken, and the refresh token sent once', async (_, code) => {
  await using server = await serve(() => (response) => {
    const { body, coding } = code('{"access_token":"a","expires_in":3600,"refresh_token":"R2"}');
    response.writeHead(200, coding === undefined ? {} : { 'content-encoding': coding }).end(body);
  });
  const manager = createAuthManager({ apiEndpoint: server.origin, refreshToken: 'R1' });

  expect((await manager.getValidToken()).reveal()).toBe('a');
  expect(server.received).toHaveLength(1);
  await manager.stop();
});
