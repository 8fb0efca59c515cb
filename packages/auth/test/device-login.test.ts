import { describe, expect, test } from 'vitest';
import { startDeviceLogin, type AuthError } from '../src/index.js';
import { TransportError, type HttpAnswer } from '../src/providers/http-transport.js';
import { settle } from './support/fake-clock.js';
import { answered, CODE, PENDING, refused, scriptedDeviceApi } from './support/scripted-device-api.js';

/** How a promise ended, without anybody having to wait for it. */
function endingOf<T>(promise: Promise<T>): { value?: T; error?: AuthError } {
  const ending: { value?: T; error?: AuthError } = {};
  promise.then(
    (value) => (ending.value = value),
    (error: unknown) => (ending.error = error as AuthError),
  );
  return ending;
}

describe('a device login', () => {
  test('tells code and link, and asks for scopes where they are given', async () => {
    const { options, requests } = scriptedDeviceApi([]);
    const login = await startDeviceLogin({ ...options, scopes: ['monitoring'] });
    expect(login).toMatchObject({
      userCode: 'BCDF-GHJK',
      verificationUri: CODE.verificationUri,
      verificationUriComplete: CODE.verificationUriComplete,
      expiresInMs: 600_000,
    });
    await startDeviceLogin(options);
    expect(requests.map(({ url, body }) => [url.href, body])).toEqual([
      ['https://api.example/base/api/auth/device-code/start', '{"scope":["monitoring"]}'],
      ['https://api.example/base/api/auth/device-code/start', '{}'],
    ]);
  });

  test('polls at the interval, 5 s slower after each slow_down, until it is granted', async () => {
    const { options, clock, pollsAtS, granted, requests } = scriptedDeviceApi([
      PENDING,
      refused('slow_down'),
      PENDING,
      refused('slow_down'),
      () => Promise.resolve(granted()),
    ]);
    const ending = endingOf((await startDeviceLogin(options)).wait());
    await clock.advance(600_000);
    expect(pollsAtS).toEqual([5, 10, 20, 30, 45]);
    expect(requests.at(-1)?.body).toBe('{"deviceCode":"device-code-secret"}');
    const { token, refreshToken } = ending.value!;
    expect(token.reveal()).toBe('access');
    expect([token.type, token.scopes, token.lifetimeMs]).toEqual([
      'Bearer',
      ['monitoring', 'plugins'],
      3_600_000,
    ]);
    expect(refreshToken?.reveal()).toBe('refresh');
  });

  test.each([
    [{ interval: undefined }, 5],
    [{ interval: 'soon' }, 5],
    [{ interval: '7' }, 7],
    [{ interval: 0 }, 1],
  ])('with %o polls every %i s', async (change, seconds) => {
    const { options, clock, pollsAtS } = scriptedDeviceApi([PENDING], answered(200, { ...CODE, ...change }));
    endingOf((await startDeviceLogin(options)).wait());
    await clock.advance(seconds * 2_000);
    expect(pollsAtS).toEqual([seconds, seconds * 2]);
  });

  test('waits trouble out, ever more slowly, and as long as the API asks', async () => {
    const { options, clock, pollsAtS, granted } = scriptedDeviceApi([
      new TransportError('connection refused', false),
      new TransportError('no answer', true),
      answered(503, 'down'),
      PENDING,
      answered(200, '<html>sign in first</html>'),
      answered(429, {}, { 'retry-after': '33' }),
      () => Promise.resolve(granted()),
    ]);
    const ending = endingOf((await startDeviceLogin(options)).wait());
    await clock.advance(600_000);
    expect(pollsAtS).toEqual([5, 15, 35, 75, 80, 90, 123]);
    expect(ending.value?.token.reveal()).toBe('access');
  });

  test('waits for an answer that takes its time: a code gives its tokens once', async () => {
    const { options, clock, granted, late } = scriptedDeviceApi([
      (request) => late(request, granted, 12_000),
      refused('expired_token'),
    ]);
    const ending = endingOf((await startDeviceLogin(options)).wait());
    await clock.advance(60_000);
    expect(ending.error).toBeUndefined();
    expect(ending.value?.refreshToken?.reveal()).toBe('refresh');
  });

  test.each([
    ['access_denied', 'refused in the browser'],
    ['expired_token', 'start again'],
  ])('ends at %s', async (error, said) => {
    const { options, clock, pollsAtS } = scriptedDeviceApi([PENDING, refused(error)]);
    const ending = endingOf((await startDeviceLogin(options)).wait());
    await clock.advance(60_000);
    expect(ending.error).toMatchObject({ code: 'KM_AUTH_GRANT_REJECTED' });
    expect(ending.error?.message).toContain(said);
    expect(pollsAtS).toHaveLength(2);
  });

  test('ends when the code is over, though the API never answers', async () => {
    const { options, clock } = scriptedDeviceApi([new TransportError('down', false)]);
    const ending = endingOf((await startDeviceLogin(options)).wait());
    await clock.advance(599_000);
    expect(ending).toEqual({});
    await clock.advance(62_000);
    expect(ending.error).toMatchObject({ code: 'KM_AUTH_GRANT_REJECTED' });
  });

  test('ends at a refusal that is none of its own, and tells no code', async () => {
    const { options, clock } = scriptedDeviceApi([
      answered(400, { error: 'invalid_request', error_description: 'bad device-code-secret' }),
    ]);
    const ending = endingOf((await startDeviceLogin(options)).wait());
    await clock.advance(5_000);
    expect(ending.error).toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });
    expect(ending.error?.message).not.toContain('device-code-secret');
  });

  test('ends at once when it is given up, and leaves no timer', async () => {
    const { options, clock, pollsAtS } = scriptedDeviceApi([PENDING]);
    const giveUp = new AbortController();
    const ending = endingOf((await startDeviceLogin(options)).wait({ signal: giveUp.signal }));
    await clock.advance(6_000);
    giveUp.abort();
    await settle();
    expect(ending.error).toMatchObject({ code: 'KM_AUTH_ABORTED' });
    expect(clock.timers()).toEqual([]);
    await clock.advance(60_000);
    expect(pollsAtS).toHaveLength(1);
  });

  test('that is granted in the moment it is given up is not lost', async () => {
    let answer: (answer: HttpAnswer) => void = () => undefined;
    const { options, clock, granted } = scriptedDeviceApi([
      () => new Promise((resolve) => (answer = resolve)),
    ]);
    const giveUp = new AbortController();
    const ending = endingOf((await startDeviceLogin(options)).wait({ signal: giveUp.signal }));
    await clock.advance(5_000);
    giveUp.abort();
    await settle();
    expect(ending).toEqual({});
    answer(granted());
    await settle();
    expect(ending.value?.refreshToken?.reveal()).toBe('refresh');
    expect(clock.timers()).toEqual([]);
  });

  test('that is given up does not wait for an answer for ever', async () => {
    const { options, clock } = scriptedDeviceApi([() => new Promise(() => undefined)]);
    const giveUp = new AbortController();
    const ending = endingOf((await startDeviceLogin(options)).wait({ signal: giveUp.signal }));
    await clock.advance(5_000);
    giveUp.abort();
    await clock.advance(2_000);
    expect(ending.error).toMatchObject({ code: 'KM_AUTH_ABORTED' });
  });

  test("counts the life of its token by the server's clock, and takes a token that tells none", async () => {
    const skewed = scriptedDeviceApi([]);
    const serverNowMs = skewed.clock.nowMs() - 7_200_000;
    const late = scriptedDeviceApi([
      answered(
        200,
        { token: { accessToken: 'a', accessTokenExpiresAt: new Date(serverNowMs + 60_000).toISOString() } },
        { date: new Date(serverNowMs).toUTCString() },
      ),
    ]);
    const first = endingOf((await startDeviceLogin(late.options)).wait());
    await late.clock.advance(5_000);
    expect(first.value?.token.lifetimeMs).toBeGreaterThan(50_000);
    expect(first.value?.token.lifetimeMs).toBeLessThan(70_000);
    const bare = scriptedDeviceApi([answered(200, { token: { accessToken: 'a' } })]);
    const second = endingOf((await startDeviceLogin({ ...bare.options, scopes: ['plugins'] })).wait());
    await bare.clock.advance(5_000);
    expect(second.value?.token).toMatchObject({ type: 'Bearer', scopes: ['plugins'] });
    expect(second.value?.refreshToken).toBeUndefined();
  });
});
