import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createNodeTransport, TransportError, type HttpRequest } from '../src/providers/http-transport.js';
import { fakeClock } from './support/fake-clock.js';
import { drop, nowhere, serve, until } from './support/http-server.js';
import { standStill, startServerApart } from './support/server-apart.js';

function post(origin: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return {
    url: new URL('/token', origin),
    headers: { 'content-type': 'application/json' },
    body: '{"é":1}',
    timeoutMs: 10_000,
    answerTimeoutMs: 90_000,
    ...more,
  };
}

/** TLS without a certificate. */
const PSK = { ciphers: 'PSK+HIGH', maxVersion: 'TLSv1.2' } as const;
const SHARED_KEY = Buffer.alloc(16, 1);

/** Counts the answers that begin. */
function answersBegun(): () => number {
  let begun = 0;
  const count = (): unknown => (begun += 1);
  subscribe('http.client.response.finish', count);
  onTestFinished(() => void unsubscribe('http.client.response.finish', count));
  return () => begun;
}

describe('the transport', () => {
  test('posts the body as it is, and gives status, headers and text back', async () => {
    await using server = await serve(() => ({ status: 418, headers: { 'x-a': 'b' }, body: 'é' }));
    const answer = await createNodeTransport()(post(server.origin));

    expect(answer).toMatchObject({ status: 418, text: 'é', headers: { 'x-a': 'b' } });
    expect(server.received).toMatchObject([
      { method: 'POST', path: '/token', body: '{"é":1}', headers: { 'content-length': '8' } },
    ]);
  });

  test.each([
    [{}, {}, 'kilometers-auth'],
    [{ userAgent: 'mine/1' }, {}, 'mine/1'],
    [{ userAgent: 'mine/1' }, { 'User-Agent': 'theirs/2', Accept: 'text/plain' }, 'theirs/2'],
  ])('says who sends it, with %j and headers %j', async (options, headers, product) => {
    await using server = await serve(() => ({}));
    await createNodeTransport(options)(post(server.origin, { headers }));
    expect(server.received[0]?.headers).toMatchObject({
      'user-agent': product,
      accept: 'Accept' in headers ? 'text/plain' : '*/*',
    });
  });

  test('uses a connection once: a kept one may close at the moment it is used', async () => {
    await using server = await serve(() => ({}));
    const transport = createNodeTransport();
    await transport(post(server.origin));
    await transport(post(server.origin));

    expect(server.received.map((received) => received.headers.connection)).toEqual(['close', 'close']);
  });

  test('follows nothing', async () => {
    await using server = await serve(() => ({ status: 307, headers: { location: '/elsewhere' } }));

    expect((await createNodeTransport()(post(server.origin))).status).toBe(307);
    expect(server.received).toHaveLength(1);
  });

  test('takes what came while the process stood still, for longer than it would have waited', async () => {
    const server = await startServerApart();
    const answer = createNodeTransport()(post(server.origin, { answerTimeoutMs: 1_000 }));
    await server.received();
    standStill(1_500);

    expect((await answer).text).toBe('here');
  });

  test('leaves no timer behind', async () => {
    const clock = fakeClock();
    await using server = await serve(() => ({}));
    await createNodeTransport({ clock })(post(server.origin));

    expect(clock.timers()).toEqual([]);
  });
});

describe('no whole answer: the request', () => {
  const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'an answer',
      (error: unknown) => error,
    );

  test('was never sent when nobody listens', async () => {
    const error = await failureOf(createNodeTransport()(post(await nowhere())));

    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ wasSent: false });
  });

  test('was sent when the connection drops after it', async () => {
    await using server = await serve(() => drop);

    expect(await failureOf(createNodeTransport()(post(server.origin)))).toMatchObject({ wasSent: true });
  });

  test('was sent when the connection drops in the middle of the answer', async () => {
    await using server = await serve(() => (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"access_token":', () => {
        drop(response);
      });
    });

    expect(await failureOf(createNodeTransport()(post(server.origin)))).toMatchObject({ wasSent: true });
  });

  test('was sent when the answer does not begin in time, which is waited for as long as was said', async () => {
    const clock = fakeClock();
    await using server = await serve(() => () => undefined);
    const failure = failureOf(createNodeTransport({ clock })(post(server.origin)));
    await until(() => server.received.length === 1);
    await clock.advance(89_999);
    expect(clock.timers()).toHaveLength(1);
    await clock.advance(1);

    expect(await failure).toMatchObject({
      wasSent: true,
      message: 'waiting for the answer took more than 90000 ms',
    });
  });

  test.each(['http', 'https'] as const)(
    'was sent when it went over a kept %s connection, and its answer is waited for as long',
    async (scheme) => {
      const clock = fakeClock();
      let answers = 1;
      const respond = () => (answers-- > 0 ? {} : () => undefined);
      const isTls = scheme === 'https';
      await using server = await serve(
        respond,
        isTls ? { ...PSK, pskCallback: () => SHARED_KEY } : undefined,
      );
      const agent = isTls
        ? new HttpsAgent({
            ...{ ...PSK, keepAlive: true, checkServerIdentity: () => undefined },
            pskCallback: () => ({ psk: SHARED_KEY, identity: 'km' }),
          })
        : new HttpAgent({ keepAlive: true });
      onTestFinished(() => agent.destroy());
      const transport = createNodeTransport({ clock, agent: () => Promise.resolve(agent) });
      await transport(post(server.origin));
      const failure = failureOf(transport(post(server.origin)));
      await until(() => server.received.length === 2);
      await clock.advance(89_999);
      expect(clock.timers()).toHaveLength(1);
      await clock.advance(1);

      expect(server.connections()).toBe(1);
      expect(await failure).toMatchObject({
        wasSent: true,
        message: 'waiting for the answer took more than 90000 ms',
      });
    },
  );

  test('was sent when the body never ends: it is given up in time', async () => {
    const clock = fakeClock();
    await using server = await serve(() => (response) => {
      response.writeHead(200);
      response.write('{"access_token":');
    });
    const begun = answersBegun();
    const failure = failureOf(createNodeTransport({ clock })(post(server.origin)));
    await until(() => begun() === 1);
    await clock.advance(89_999);
    expect(clock.timers()).toHaveLength(1);
    await clock.advance(1);

    expect(await failure).toMatchObject({
      wasSent: true,
      message: 'reading the answer took more than 90000 ms',
    });
  });

  test('was sent when the body of a late answer never ends: all of it is given up in time', async () => {
    const clock = fakeClock();
    let begin: () => void = () => undefined;
    await using server = await serve(() => (response) => {
      begin = () => {
        response.writeHead(200);
        response.write('{"access_token":');
      };
    });
    const begun = answersBegun();
    const failure = failureOf(createNodeTransport({ clock })(post(server.origin)));
    await until(() => server.received.length === 1);
    await clock.advance(85_000);
    begin();
    await until(() => begun() === 1);
    await clock.advance(10_000);

    expect(await failure).toMatchObject({
      wasSent: true,
      message: 'reading the answer took more than 10000 ms',
    });
  });

  test('was sent when the body is endless and fast: it is given up at 1 MiB', async () => {
    await using server = await serve(() => (response) => {
      response.on('error', () => undefined);
      const chunk = Buffer.alloc(65_536, ' ');
      const pour = (): void => {
        if (response.destroyed) return;
        if (response.write(chunk)) setImmediate(pour);
        else response.once('drain', pour);
      };
      pour();
    });

    expect(await failureOf(createNodeTransport()(post(server.origin)))).toMatchObject({
      wasSent: true,
      message: 'the answer is larger than 1048576 bytes',
    });
  });

  test('of exactly 1 MiB is one whole answer', async () => {
    await using server = await serve(() => ({ body: 'x'.repeat(1_048_576) }));

    expect((await createNodeTransport()(post(server.origin))).text).toHaveLength(1_048_576);
  });
});
