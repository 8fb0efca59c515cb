import { describe, expect, test } from 'vitest';
import { createKilometersProvider, Secret, type TokenRequest } from '../src/index.js';
import type { HttpAnswer, HttpRequest } from '../src/providers/http-transport.js';
import { fakeClock } from './support/fake-clock.js';
import { outcomeOf } from './support/setup.js';

const API = 'https://api.example.test';
const REFRESH: TokenRequest = { grantType: 'refresh_token', refreshToken: new Secret('rt-1') };
const API_KEY: TokenRequest = { grantType: 'api_key', apiKey: new Secret('km_pro_1'), scopes: ['a'] };

/** A provider whose transport gives these answers, one after the other, the last for ever. */
function providerWith(...answers: readonly Partial<HttpAnswer>[]) {
  const sent: HttpRequest[] = [];
  const clock = fakeClock();
  const provider = createKilometersProvider({
    apiEndpoint: API,
    clock,
    transport: (request) => {
      sent.push(request);
      const answer = answers[Math.min(sent.length, answers.length) - 1];
      return Promise.resolve({ status: 200, headers: {}, text: '{"access_token":"t"}', ...answer });
    },
  });
  return { provider, sent, clock, urls: () => sent.map((request) => request.url.href) };
}

const redirect = (location: string, status = 307): Partial<HttpAnswer> => ({
  status,
  headers: { location },
  text: '',
});

describe('the Kilometers provider', () => {
  test.each<[TokenRequest, unknown]>([
    [API_KEY, { grant_type: 'api_key', api_key: 'km_pro_1', scope: ['a'] }],
    [REFRESH, { grant_type: 'refresh_token', refresh_token: 'rt-1' }],
    [
      { grantType: 'client_credentials', clientId: 'c', clientSecret: new Secret('s'), scopes: ['a', 'b'] },
      { grant_type: 'client_credentials', client_id: 'c', client_secret: 's', scope: ['a', 'b'] },
    ],
  ])('speaks the contract’s words: %j', async (request, body) => {
    const { provider, sent } = providerWith({});
    await provider.requestToken(request);

    expect(sent[0]?.url.href).toBe(`${API}/api/auth/token`);
    expect(sent[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json',
    });
    expect(JSON.parse(sent[0]!.body)).toEqual(body);
  });

  test('ends a token, and says so where the API did not take that', async () => {
    const { provider, sent } = providerWith({}, { status: 503 });
    const token = { token: new Secret('rt-1'), kind: 'refresh_token' } as const;
    await provider.revoke(token);

    expect(sent.map(({ url, body }) => [url.href, body])).toEqual([
      [`${API}/api/auth/revoke`, '{"token":"rt-1","token_type_hint":"refresh_token"}'],
    ]);
    expect(await outcomeOf(provider.revoke(token))).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
  });

  test('waits for the answer to a refresh token for longer than for one to an API key', async () => {
    const { provider, sent } = providerWith({});
    await provider.requestToken(API_KEY);
    await provider.requestToken(REFRESH);

    expect(sent.map((request) => [request.timeoutMs, request.answerTimeoutMs])).toEqual([
      [10_000, 10_000],
      [10_000, 90_000],
    ]);
  });

  test('tells the skew between the clocks', async () => {
    const { provider, clock } = providerWith({
      headers: { date: new Date(Date.UTC(2030, 0, 1) - 3_600_000).toUTCString() },
    });

    expect((await provider.requestToken(API_KEY)).clockSkewMs).toBe(3_599_500);
    expect(clock.nowMs()).toBe(Date.UTC(2030, 0, 1));
  });

  test.each([307, 308])('follows a %d on its own origin, with method and body', async (status) => {
    const { provider, sent, urls } = providerWith(redirect('/v2/token', status), {});
    await provider.requestToken(REFRESH);

    expect(urls()).toEqual([`${API}/api/auth/token`, `${API}/v2/token`]);
    expect(sent[1]?.body).toBe(sent[0]?.body);
  });

  test.each([
    ['another host', 'https://evil.example.test/api/auth/token'],
    ['another port', 'https://api.example.test:444/api/auth/token'],
    ['plain http', 'http://api.example.test/api/auth/token'],
    ['another host without a scheme', '//evil.example.test/token'],
    ['nowhere', 'http://['],
  ])('sends no credential across a redirect to %s', async (_, location) => {
    const { provider, urls } = providerWith(redirect(location), {});
    const outcome = await outcomeOf(provider.requestToken(REFRESH));

    expect(outcome).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
    expect(outcome).toMatchObject({ message: expect.stringContaining('no credential is sent') as string });
    expect(urls()).toHaveLength(1);
  });

  test('never turns a redirect into a GET: a 302 or 303 is no token', async () => {
    for (const status of [301, 302, 303]) {
      const { provider, urls } = providerWith(redirect('/elsewhere', status), {});
      expect(await outcomeOf(provider.requestToken(REFRESH))).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
      expect(urls()).toHaveLength(1);
    }
  });

  test('does not run in circles', async () => {
    const { provider, urls } = providerWith(redirect('/again'));

    expect(await outcomeOf(provider.requestToken(REFRESH))).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
    expect(urls()).toHaveLength(4);
  });

  test.each(['<html>Welcome to Hotel Wi-Fi</html>', '', '{}'])(
    'takes a 200 that is no token (%j) for a captive portal, and its answer for lost',
    async (text) => {
      const { provider } = providerWith({ text });
      const outcome = await outcomeOf(provider.requestToken(REFRESH));

      expect(outcome).toMatchObject({
        code: 'KM_AUTH_UNREACHABLE',
        failure: { status: 200, isAnswerLost: true },
      });
      expect(outcome).toMatchObject({ message: expect.stringContaining('captive portal') as string });
    },
  );

  test('keeps a path that the endpoint has', async () => {
    const sent: string[] = [];
    const provider = createKilometersProvider({
      apiEndpoint: 'https://gateway.example.test/kilometers/',
      transport: ({ url }) => {
        sent.push(url.href);
        return Promise.resolve({ status: 200, headers: {}, text: '{"access_token":"t"}' });
      },
    });
    await provider.requestToken(API_KEY);

    expect(sent).toEqual(['https://gateway.example.test/kilometers/api/auth/token']);
  });

  test.each(['http://api.example.test', 'nonsense'])('is not made for %s', (apiEndpoint) => {
    expect(() => createKilometersProvider({ apiEndpoint })).toThrow();
  });
});
