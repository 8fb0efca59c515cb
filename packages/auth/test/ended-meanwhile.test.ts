import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  createFileCache,
  createMemoryCache,
  Secret,
  type GrantRecord,
  type TokenGrant,
} from '../src/index.js';
import { AuthToken } from '../src/auth-token.js';
import { withAnswer, withSuccessor } from '../src/grant-changes.js';
import { EMPTY_GRANT } from '../src/grant-record.js';
import { fakeClock } from './support/fake-clock.js';
import { invalidGrant, offline, overloaded } from './support/failures.js';
import { HOUR, LOGGED_IN, outcomeOf, setup } from './support/setup.js';

// A human ended a grant while somebody was asking for something of it.

const ENDED: GrantRecord = { tokens: new Map(), unexplainedRequestsAtMs: [], endedAtMs: 5 };
const plain = (leftOver: GrantRecord['leftOver'] = []) =>
  leftOver.map(({ kind, token }) => `${kind} ${token.reveal()}`);
const AT_FIRST = { isLate: false, isGone: false };

const grant: TokenGrant = {
  token: new AuthToken({ value: 'new', scopes: ['a'], issuedAtMs: 1_000, expiresAtMs: 2_000 }),
  refreshToken: new Secret('next'),
};
const answer = { key: 'a', grant, scopes: ['a'], before: new Secret('old').fingerprint };

describe.each([
  ['a refresh token', true],
  ['a credential', false],
])('the answer to %s', (_, isRefresh) => {
  test('is not used where the grant was ended after it was asked for, or once more; only left over, once', () => {
    for (const endedAtMs of [undefined, 4]) {
      const { leftOver, ...record } = withAnswer(ENDED, { ...answer, isRefresh, endedAtMs });
      expect(record).toEqual(ENDED);
      expect(plain(leftOver)).toEqual(['refresh_token next', 'access_token new']);
      const again = { ...record, leftOver: leftOver! };
      expect(withAnswer(again, { ...answer, isRefresh, endedAtMs })).toBe(again);
    }
  });

  test('is stored where it was ended before that, which is over then', () => {
    const before = isRefresh ? answer.before : undefined;
    const { endedAtMs, ...record } = withAnswer(ENDED, { ...answer, before, isRefresh, endedAtMs: 5 });
    expect(endedAtMs).toBeUndefined();
    expect([record.refreshToken?.secret, record.tokens.get('a')]).toEqual([grant.refreshToken, grant.token]);
  });
});

test('what replaces a refresh token, without a token, comes into no grant that was ended meanwhile', () => {
  const successor = { secret: new Secret('next'), issuedAtMs: 1 };
  const { leftOver, ...record } = withSuccessor(ENDED, 'sent', successor, AT_FIRST);
  expect(record).toEqual(ENDED);
  expect(plain(leftOver)).toEqual(['refresh_token next']);
  const stored = withSuccessor(ENDED, 'sent', successor, { ...AT_FIRST, endedAtMs: 5 });
  expect(stored).toStrictEqual({ tokens: new Map(), unexplainedRequestsAtMs: [], refreshToken: successor });
});

test('an answer does not bring a login back that was ended, though the tokens were removed since then', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'km-ended-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const cache = createFileCache({ folder, environment: {}, machineId: () => 'machine' });
  const { manager, provider, clock } = await setup({ cache, login: ['monitoring'] });
  provider.latencyMs = 100;
  const token = manager.getValidToken('monitoring');
  await vi.waitFor(() => {
    expect(provider.calls).toBe(1);
  });
  await cache.updateGrant(LOGGED_IN, () => ENDED);
  await rm(join(folder, '.auth_cache'));
  await clock.advance(100);
  await token;

  const { leftOver, ...record } = (await cache.getGrant(LOGGED_IN))!;
  expect(record).toEqual(ENDED);
  expect(leftOver).toHaveLength(2);
});

describe('a login that is gone while a retry waits', () => {
  test.each([
    [{ endedAtMs: 5 }, offline(), 'somebody has logged out meanwhile'],
    [{ endedAtMs: 5 }, overloaded({ status: 502 }), 'somebody has logged out meanwhile'],
    [{}, offline(), 'the refresh token was removed meanwhile'],
  ])('is told as that, with one thing to do, and cleared no more', async (end, refuse, why) => {
    const { manager, provider, clock, cache, events } = await setup({
      login: ['monitoring'],
      random: () => 1,
    });
    provider.always({ refuse });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(500);
    await cache.updateGrant(LOGGED_IN, () => ({ ...EMPTY_GRANT, ...end }));
    await clock.advance(500);

    expect(await outcome).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
      message: `the login is over: ${why}; run \`km auth login\``,
    });
    expect(provider.calls).toBe(1);
    expect(events.of('grant.cleared')).toEqual([]);
    expect(events.of('security.event')).toEqual([]);
  });
});

describe('a program that was given a refresh token', () => {
  async function given() {
    const clock = fakeClock();
    const cache = createMemoryCache({ clock });
    const world = await setup({ clock, cache, login: [] });
    const program = () => world.another({ refreshToken: world.provider.login('monitoring') });
    const key = async () => (await cache.listGrants()).find(({ credential }) => credential !== 'login:')!;
    const end = async () => cache.updateGrant(await key(), () => ENDED);
    return { ...world, program, key, end };
  }

  test('puts nothing into a grant that was ended during its first refresh', async () => {
    const { provider, clock, program, cache, key, end } = await given();
    provider.latencyMs = 100;
    const manager = program();
    const token = manager.getValidToken('monitoring');
    await clock.advance(50);
    await end();
    await clock.advance(50);
    await token;
    await manager.stop();

    const { leftOver, ...record } = (await cache.getGrant(await key()))!;
    expect(record).toEqual(ENDED);
    expect(leftOver).toHaveLength(2);

    // Whoever begins anew uses none of it, and loses none of it.
    provider.latencyMs = 0;
    await program().getValidToken('monitoring');
    expect((await cache.getGrant(await key()))?.leftOver).toBe(leftOver);
  });

  test('begins with it anew when it is started again after that, as where nothing is stored, and once', async () => {
    const { provider, clock, program, end, another } = await given();
    const refreshToken = provider.login('monitoring');
    await another({ refreshToken }).getValidToken('monitoring');
    await end();
    await clock.advance(HOUR);
    provider.next({ refuse: invalidGrant() });
    for (let starts = 0; starts < 2; starts += 1)
      expect(await outcomeOf(another({ refreshToken }).getValidToken('monitoring'))).toMatchObject({
        code: 'KM_AUTH_LOGIN_REQUIRED',
      });

    expect(provider.calls).toBe(2);
    expect(await outcomeOf(program().getValidToken('monitoring'))).toBeInstanceOf(AuthToken);
  });
});
