import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAuthManager, type AuthManager, type AuthToken } from '../src/index.js';
import { fakeClock, type FakeClock } from './support/fake-clock.js';
import { HOUR, MINUTE } from './support/setup.js';
import { startWireApi, WIRE_KEY, type WireApi } from './support/wire-api.js';

// What a client must expect of real servers, over a real socket.
type Body = Readonly<Record<string, unknown>>;

const jwt = (claims: Body): string =>
  ['{"alg":"ES256"}', JSON.stringify(claims), 'sig']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

const without =
  (name: string) =>
  (body: Body): Body =>
    Object.fromEntries(Object.entries(body).filter(([key]) => key !== name));

let api: WireApi;
let clock: FakeClock;
let manager: AuthManager;

beforeEach(async () => {
  api = await startWireApi();
  clock = fakeClock(Date.now());
  manager = createAuthManager({ apiEndpoint: api.origin, apiKey: WIRE_KEY, clock, random: () => 0 });
});
afterEach(() => api[Symbol.asyncDispose]());

/** A token whose answer was odd. */
function oddToken(oddity: (body: Body) => unknown): Promise<AuthToken> {
  api.next({ oddity });
  return manager.getValidToken('monitoring');
}

describe('a token answer with', () => {
  test.each<[string, (body: Body) => unknown, number]>([
    ['no expires_in', without('expires_in'), 300_000],
    ['expires_in zero', (body) => ({ ...body, expires_in: 0 }), 300_000],
    ['expires_in as a numeric string', (body) => ({ ...body, expires_in: '60' }), 60_000],
  ])('%s has a lifetime all the same', async (_, oddity, lifetimeMs) => {
    expect((await oddToken(oddity)).lifetimeMs).toBe(lifetimeMs);
  });

  test('no expires_in, and a JWT by a server whose clock is an hour off, lives as long as it says', async () => {
    clock.jumpWall(HOUR);
    const exp = Math.floor(clock.trueMs() / 1_000) + 600;
    const token = await oddToken((body) => ({ ...without('expires_in')(body), access_token: jwt({ exp }) }));

    expect(Math.abs(token.lifetimeMs - 600_000)).toBeLessThan(MINUTE);
    expect(Math.abs((manager.clockSkewMs ?? 0) - HOUR)).toBeLessThan(MINUTE);
  });

  test.each([
    ['one space-separated string', 'monitoring plugins'],
    ['a list', ['monitoring', 'plugins']],
  ])('its scope as %s has both scopes', async (_, scope) => {
    expect((await oddToken((body) => ({ ...body, scope }))).scopes).toEqual(['monitoring', 'plugins']);
  });

  test('no scope has the one that was asked for', async () => {
    expect((await oddToken(without('scope'))).scopes).toEqual(['monitoring']);
  });

  test.each(['bearer', 'BEARER', 'Bearer'])('token_type %s is sent as Bearer', async (tokenType) => {
    const token = await oddToken((body) => ({ ...body, token_type: tokenType }));

    expect(token.authorization).toBe(`Bearer ${token.reveal()}`);
  });

  test('no refresh_token on refresh leaves the old one good', async () => {
    await manager.getValidToken('monitoring');
    const refreshes = [];
    for (let hour = 0; hour < 2; hour += 1) {
      await clock.advance(HOUR);
      // The server keeps it good as well: nothing of the answer is odd but what is missing.
      api.next({
        reply: { body: `{"access_token":"kept-${String(hour)}","token_type":"Bearer","expires_in":3600}` },
      });
      refreshes.push((await manager.getValidToken('monitoring')).reveal());
    }

    expect(refreshes).toEqual(['kept-0', 'kept-1']);
    const sent = api.tokenRequests().slice(1);
    expect(sent.map((body) => body['refresh_token'])).toEqual(['wire-refresh-1', 'wire-refresh-1']);
  });
});

describe('a token endpoint that', () => {
  test('moved on its own origin is followed', async () => {
    api.next({ reply: { status: 308, headers: { location: `${api.origin}/api/auth/token?v=2` } } });

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('wire-access-1');
    expect(api.received.map((received) => [received.method, received.path])).toEqual([
      ['POST', '/api/auth/token'],
      ['POST', '/api/auth/token?v=2'],
    ]);
    expect(api.received[1]?.body).toBe(api.received[0]?.body);
  });

  test('asks for a rest by Retry-After as a date, by its own clock, is given it', async () => {
    clock.jumpWall(HOUR);
    const untilDate = new Date(clock.trueMs() + 10 * MINUTE).toUTCString();
    api.next({ reply: { status: 503, headers: { 'retry-after': untilDate } } });

    const error = await manager.getValidToken('monitoring').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
    await clock.advance(9 * MINUTE);
    await expect(manager.getValidToken('monitoring')).rejects.toThrow('asked to be left alone');
    await clock.advance(2 * MINUTE);

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('wire-access-1');
  });
});
