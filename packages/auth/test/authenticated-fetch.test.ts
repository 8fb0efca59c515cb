import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  createAuthenticatedClient,
  isAuthError,
  type AuthenticatedClientOptions,
  type Fetch,
} from '../src/index.js';
import { invalidGrant } from './support/failures.js';
import { settle } from './support/fake-clock.js';
import { serve, type HttpServer, type Received, type Reply } from './support/http-server.js';
import { outcomeOf, setup, type Setup } from './support/setup.js';

type Body = NonNullable<RequestInit['body']>;

type Api = HttpServer & Setup & { readonly client: Fetch };

/** An API on a real socket that takes the tokens in `good`, and a client for it. */
async function apiThat(
  answer: (received: Received) => Reply,
  options?: AuthenticatedClientOptions,
): Promise<Api> {
  const server = await serve(answer);
  const world = await setup({ apiEndpoint: server.origin });
  return { ...server, ...world, client: createAuthenticatedClient(world.manager, 'monitoring', options) };
}

/** Takes the second token only. */
function secondOnly({ headers }: Received): Reply {
  const isGood = headers.authorization === 'Bearer access-token-2';
  return isGood
    ? { body: 'welcome' }
    : { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
}

const bodies = (api: Api): readonly string[] => api.received.map((received) => received.body);
const tokens = (api: Api): readonly (string | undefined)[] =>
  api.received.map((received) => received.headers.authorization);

describe('the authenticated client', () => {
  test('sends a valid token, and the caller’s own headers beside it', async () => {
    await using api = await apiThat(() => ({ body: 'hello' }));
    const response = await api.client(`${api.origin}/x`, {
      headers: { 'x-own': '1', authorization: 'Basic no' },
    });

    expect(await response.text()).toBe('hello');
    expect(api.received[0]?.headers).toMatchObject({ authorization: 'Bearer access-token-1', 'x-own': '1' });
  });

  test('on a 401 forces one refresh, and sends the request once more', async () => {
    await using api = await apiThat(secondOnly);
    const response = await api.client(`${api.origin}/x`, { method: 'POST', body: '{"a":1}' });

    expect(await response.text()).toBe('welcome');
    expect(tokens(api)).toEqual(['Bearer access-token-1', 'Bearer access-token-2']);
    expect(bodies(api)).toEqual(['{"a":1}', '{"a":1}']);
  });

  test.each([401, 403, 500])('returns the second answer whatever it is: %d', async (status) => {
    await using api = await apiThat(({ headers }) => ({
      status: headers.authorization === 'Bearer access-token-1' ? 401 : status,
    }));

    expect((await api.client(`${api.origin}/x`)).status).toBe(status);
    expect(api.received).toHaveLength(2);
    expect(api.provider.calls).toBe(2);
  });

  test.each([403, 404, 500, 200])('takes a %d for an answer, and refreshes nothing', async (status) => {
    await using api = await apiThat(() => ({ status }));

    expect((await api.client(`${api.origin}/x`)).status).toBe(status);
    expect([api.received.length, api.provider.calls]).toEqual([1, 1]);
  });

  test('sends fifty requests whose token is rejected again after one refresh', async () => {
    await using api = await apiThat(secondOnly);
    const answers = await Promise.all(Array.from({ length: 50 }, () => api.client(`${api.origin}/x`)));

    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    expect(api.provider.calls).toBe(2);
  });

  test.each<[string, () => Body]>([
    ['text', () => 'the body'],
    ['bytes', () => new TextEncoder().encode('the body')],
    ['a blob', () => new Blob(['the body'])],
    ['a form', () => new URLSearchParams({ a: 'the body' })],
  ])('sends a body of %s again', async (_, body) => {
    await using api = await apiThat(secondOnly);
    const response = await api.client(`${api.origin}/x`, { method: 'POST', body: body() });

    expect(response.status).toBe(200);
    expect(new Set(bodies(api)).size).toBe(1);
    expect(bodies(api)[1]).toMatch(/the.body/);
  });

  test.each<[string, () => Body]>([
    ['a web stream', () => new Blob(['the body']).stream()],
    ['a Node stream', () => Readable.from(['the body'])],
  ])('does not send %s twice: the 401 is returned, and the next request has a new token', async (_, body) => {
    await using api = await apiThat(secondOnly);
    const init = { method: 'POST', body: body(), duplex: 'half' } as RequestInit;

    expect((await api.client(`${api.origin}/x`, init)).status).toBe(401);
    expect(bodies(api)).toEqual(['the body']);
    await settle();
    expect((await api.client(`${api.origin}/x`)).status).toBe(200);
    expect(api.provider.calls).toBe(2);
  });

  test('sends a Request with its body, method and headers again', async () => {
    await using api = await apiThat(secondOnly);
    const request = new Request(`${api.origin}/x`, {
      method: 'PUT',
      body: 'mine',
      headers: { 'x-own': '1' },
    });
    const response = await api.client(request);

    expect(response.status).toBe(200);
    expect(api.received).toMatchObject(
      Array(2).fill({ method: 'PUT', body: 'mine', headers: { 'x-own': '1' } }) as Received[],
    );
  });

  test('fails with the refresh’s own error when no other token can be had', async () => {
    await using api = await apiThat(() => ({ status: 401 }));
    await api.manager.getValidToken('monitoring');
    api.provider.always({ refuse: invalidGrant('unknown key') });

    expect(await outcomeOf(api.client(`${api.origin}/x`))).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
  });

  test('rejects with the signal’s own reason when it is aborted while it waits for a token', async () => {
    await using api = await apiThat(() => ({}));
    api.provider.latencyMs = 1_000;
    const abort = new AbortController();
    const outcome = outcomeOf(api.client(`${api.origin}/x`, { signal: abort.signal }));
    await api.clock.advance(500);
    abort.abort();

    expect(await outcome).toMatchObject({ name: 'AbortError' });
    expect(api.received).toEqual([]);
    await api.clock.advance(500);
    expect(api.provider.requests[0]?.outcome).toBe('answered');
  });
});

describe('a token of the authenticated client', () => {
  test('goes to no other origin', async () => {
    await using other = await serve(() => ({}));
    await using api = await apiThat(() => ({}));

    const outcome = await outcomeOf(api.client(`${other.origin}/x`));
    expect(isAuthError(outcome, 'KM_AUTH_FOREIGN_ORIGIN')).toBe(true);
    expect(outcome).toMatchObject({ message: expect.stringContaining(other.origin) as string });
    expect([other.received.length, api.provider.calls]).toEqual([0, 0]);
    await expect(api.client('/relative')).rejects.toThrow('is not an absolute URL');
  });

  test('goes to an origin that was named', async () => {
    await using other = await serve(() => ({}));
    await using api = await apiThat(() => ({}), { allowedOrigins: [other.origin] });

    expect((await api.client(`${other.origin}/x`)).status).toBe(200);
  });

  test('goes to an origin that was named by any URL of it', async () => {
    await using other = await serve(() => ({}));
    await using api = await apiThat(() => ({}), { allowedOrigins: [`${other.origin}/base/`] });

    expect((await api.client(`${other.origin}/x`)).status).toBe(200);
  });

  test.each([
    [
      'http://other.example',
      'KM_AUTH_INSECURE_ENDPOINT',
      'the allowed origin http://other.example is plain http',
    ],
    ['other.example', 'KM_AUTH_INVALID_OPTION', 'the allowed origin "other.example" is not a URL'],
  ])('cannot be allowed to %s', async (origin, code, message) => {
    await expect(apiThat(() => ({}), { allowedOrigins: [origin] })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  test('is not carried across a redirect to another origin', async () => {
    await using other = await serve(() => ({ body: 'elsewhere' }));
    await using api = await apiThat(() => ({ status: 302, headers: { location: `${other.origin}/y` } }));

    expect(await (await api.client(`${api.origin}/x`)).text()).toBe('elsewhere');
    expect(other.received[0]?.headers.authorization).toBeUndefined();
    expect(tokens(api)).toEqual(['Bearer access-token-1']);
  });

  test('is carried across a redirect on its own origin', async () => {
    await using api = await apiThat(({ path }) =>
      path === '/x' ? { status: 307, headers: { location: '/y' } } : { body: 'here' },
    );

    expect(await (await api.client(`${api.origin}/x`)).text()).toBe('here');
    expect(tokens(api)).toEqual(['Bearer access-token-1', 'Bearer access-token-1']);
  });
});

describe('a 401 that says token_revoked', () => {
  test('is a security event: tokens are cleared, a fresh grant is forced, and the request sent again', async () => {
    await using api = await apiThat(({ headers }) =>
      headers.authorization === 'Bearer access-token-1'
        ? {
            status: 401,
            headers: {
              'www-authenticate': 'Bearer error="invalid_token", error_description="token_revoked"',
            },
          }
        : {},
    );

    expect((await api.client(`${api.origin}/x`)).status).toBe(200);
    expect(api.events.of('security.event').map((event) => event.reason)).toEqual(['token-revoked']);
    expect(api.provider.requests.map((request) => request.grantType)).toEqual(['api_key', 'api_key']);
  });

  test('is not seen in a 401 that says something else', async () => {
    await using api = await apiThat(secondOnly);
    await api.client(`${api.origin}/x`);

    expect(api.events.of('security.event')).toEqual([]);
    expect(api.provider.requests.map((request) => request.grantType)).toEqual(['api_key', 'refresh_token']);
  });
});
