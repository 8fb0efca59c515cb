import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createAuthManager,
  createMemoryCache,
  type AuthManager,
  type AuthManagerConfig,
  type TokenCache,
} from '../src/index.js';
import { fakeClock } from './support/fake-clock.js';
import { drop, nowhere, until } from './support/http-server.js';
import { recordEvents, type RecordedEvents } from './support/record-events.js';
import { outcomeOf } from './support/setup.js';
import { startWireApi, WIRE_KEY, type WireApi, type WireTrouble } from './support/wire-api.js';

// Each row of "when a refresh fails", and each oddity of the wire, against a real socket. No retry waits
// here (the jitter is nothing), so that no test sleeps.
const KEY = { apiOrigin: '', profile: 'default', credential: 'login:' };

let api: WireApi;
let cache: TokenCache;
let events: RecordedEvents;

beforeEach(async () => {
  api = await startWireApi();
  cache = createMemoryCache();
});
afterEach(() => api[Symbol.asyncDispose]());

function managerFor(config: AuthManagerConfig = {}): AuthManager {
  const manager = createAuthManager({ apiEndpoint: api.origin, cache, random: () => 0, ...config });
  events = recordEvents(manager);
  return manager;
}

const stored = () => cache.getGrant({ ...KEY, apiOrigin: api.origin });

/** A login in the cache whose token is to be refreshed; no API key. */
async function loggedIn(config: AuthManagerConfig = {}): Promise<AuthManager> {
  const keyed = createAuthManager({ apiEndpoint: api.origin, apiKey: WIRE_KEY, cache });
  await keyed.getValidToken('monitoring');
  const [key] = await cache.listGrants();
  const record = await cache.getGrant(key!);
  await cache.updateGrant({ ...KEY, apiOrigin: api.origin }, () => ({ ...record!, tokens: new Map() }));
  return managerFor(config);
}

const html: WireTrouble = {
  reply: { headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' },
};

describe('try later, over a socket:', () => {
  test.each<[string, WireTrouble]>([
    ['a connection dropped before the answer', { reply: drop }],
    ['a 408', { reply: { status: 408 } }],
    ['a 425', { reply: { status: 425 } }],
    ['a 429 with Retry-After', { reply: { status: 429, headers: { 'retry-after': '0' } } }],
    [
      'a 429 with Retry-After as a date',
      { reply: { status: 429, headers: { 'retry-after': new Date(0).toUTCString() } } },
    ],
    ['a 500', { reply: { status: 500 } }],
    ['a 502 with HTML', { reply: { status: 502, body: '<html>' } }],
    ['a 503', { reply: { status: 503 } }],
    ['a captive portal’s 200', html],
    ['an unreadable 200', { reply: { body: '{"access_token":' } }],
    [
      'a redirect to another origin',
      { reply: { status: 307, headers: { location: 'https://portal.example.test/' } } },
    ],
  ])('%s is tried again, and nothing stored is touched until it works', async (_, trouble) => {
    const manager = await loggedIn();
    const before = await stored();
    api.always(trouble);
    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_UNREACHABLE',
    });
    expect(api.tokenRequests()).toHaveLength(1 + 4);
    expect((await stored())?.refreshToken).toEqual(before?.refreshToken);
    api.always(undefined);

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('wire-access-2');
  });

  test('a service that is not there is told apart from one that did not answer', async () => {
    const manager = managerFor({ apiEndpoint: await nowhere(), apiKey: WIRE_KEY, maxRetries: 0 });

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_UNREACHABLE',
      message: expect.stringContaining('cannot be reached') as string,
    });
    expect(events.types()).toContain('offline.entered');
  });

  test('an answer to an API key that does not come is given up in time', async () => {
    const clock = fakeClock();
    const manager = managerFor({ apiKey: WIRE_KEY, maxRetries: 0, clock });
    api.next({ after: new Promise(() => undefined) });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await until(() => api.tokenRequests().length === 1);
    await clock.advance(10_000);

    expect(await outcome).toMatchObject({
      code: 'KM_AUTH_UNREACHABLE',
      message: expect.stringContaining('waiting for the answer took more than 10000 ms') as string,
    });
  });

  test('an answer to a refresh token is waited for beyond that: it comes, and the login lives', async () => {
    const clock = fakeClock();
    const manager = await loggedIn({ maxRetries: 0, clock });
    let answer: () => void = () => undefined;
    api.next({ after: new Promise((resolve) => (answer = resolve)) });
    const token = manager.getValidToken('monitoring');
    await until(() => api.tokenRequests().length === 2);
    await clock.advance(80_000);
    answer();

    expect((await token).reveal()).toBe('wire-access-2');
    expect(api.tokenRequests()).toHaveLength(2);
  });

  test('a body that never ends is given up at its limit', async () => {
    const manager = managerFor({ apiKey: WIRE_KEY, maxRetries: 0 });
    api.next({ reply: { body: ' '.repeat(1_048_577) } });

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      message: expect.stringContaining('larger than 1048576 bytes') as string,
    });
  });

  test('when the tries are used up, the API key gets one, and its refresh token replaces the old', async () => {
    const manager = await loggedInWithKey();
    api.next(...Array<WireTrouble>(4).fill({ reply: { status: 503 } }));

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('wire-access-2');
    expect(
      api
        .tokenRequests()
        .slice(1)
        .map((body) => body['grant_type']),
    ).toEqual([...Array<string>(4).fill('refresh_token'), 'api_key']);
  });
});

/** A login and the API key that won it; its token is gone. */
async function loggedInWithKey(): Promise<AuthManager> {
  const manager = managerFor({ apiKey: WIRE_KEY });
  await manager.getValidToken('monitoring');
  await manager.clearCache();
  return manager;
}

describe('a refusal, over a socket:', () => {
  test('invalid_grant without an API key is for a human, and removes that refresh token only', async () => {
    const manager = await loggedIn();
    api.next({ reply: { status: 400, body: '{"error":"invalid_grant"}' } });

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
    });
    expect(await stored()).not.toHaveProperty('refreshToken');
  });

  test.each([400, 401])('invalid_grant with status %d falls back to the API key', async (status) => {
    const manager = await loggedInWithKey();
    api.next({ reply: { status, body: '{"error":"invalid_grant"}' } });

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('wire-access-2');
    expect(events.types()).toContain('grant.fallback');
  });

  test.each<[string, WireTrouble]>([
    ['invalid_client', { reply: { status: 401, body: '{"error":"invalid_client"}' } }],
    ['unauthorized_client', { reply: { status: 400, body: '{"error":"unauthorized_client"}' } }],
    ['a 403', { reply: { status: 403 } }],
    ['a 404', { reply: { status: 404 } }],
  ])('%s is not tried again, and clears nothing', async (_, trouble) => {
    const manager = await loggedIn();
    const before = await stored();
    api.next(trouble);

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_CONFIGURATION',
    });
    expect(api.tokenRequests()).toHaveLength(2);
    expect((await stored())?.refreshToken).toEqual(before?.refreshToken);
  });

  test('a revoked login is a security event', async () => {
    const manager = await loggedIn();
    api.revoke((await stored())!.refreshToken!.secret.reveal());

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
    });
    expect(events.of('security.event').map((event) => event.reason)).toEqual(['refresh-token-revoked']);
  });
});

describe('a lost answer, over a socket:', () => {
  test('within the grace window costs nothing', async () => {
    await api[Symbol.asyncDispose]();
    api = await startWireApi({ graceIsOpen: true });
    const manager = await loggedIn();
    api.next({ dropAnswer: true });

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('wire-access-3');
    expect((await stored())?.refreshToken?.secret.reveal()).toBe('wire-refresh-2');
    expect(events.of('refresh.answer-lost')).toHaveLength(1);
  });

  test('without one is told as what it is, and no one is alarmed', async () => {
    const manager = await loggedIn();
    api.next({ dropAnswer: true });

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
      message: expect.stringContaining('the answer was lost on the way back') as string,
    });
    expect(events.of('security.event')).toEqual([]);
  });
});
