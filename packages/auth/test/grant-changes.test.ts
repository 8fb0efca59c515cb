import { describe, expect, test } from 'vitest';
import { AuthToken, Secret, type GrantRecord, type TokenGrant } from '../src/index.js';
import {
  withAnswer,
  withFailure,
  withoutRefreshToken,
  withoutTokens,
  withSentRefresh,
} from '../src/grant-changes.js';
import { EMPTY_GRANT } from '../src/grant-record.js';
import { invalidGrant } from './support/failures.js';
import { expiredLogin, LOGGED_IN, outcomeOf } from './support/setup.js';

const tokenOf = (value: string, ...scopes: readonly string[]): AuthToken =>
  new AuthToken({ value, scopes, issuedAtMs: 1_000, expiresAtMs: 2_000 });

const OLD = { secret: new Secret('old'), scopes: ['a', 'b'], issuedAtMs: 1 };

const RECORD: GrantRecord = {
  tokens: new Map([
    ['a', tokenOf('a1', 'a')],
    ['b', tokenOf('b1', 'b')],
    ['c', tokenOf('c1', 'c')],
  ]),
  refreshToken: OLD,
  sentRefresh: { fingerprint: OLD.secret.fingerprint, atMs: 1 },
  unexplainedRequestsAtMs: [1],
  notBeforeMs: 5,
  lastFailure: { code: 'KM_AUTH_UNREACHABLE', message: 'no', atMs: 1 },
};

const renewed: TokenGrant = { token: tokenOf('new', 'a', 'b'), refreshToken: new Secret('next') };

const values = (record: GrantRecord): Record<string, string> =>
  Object.fromEntries([...record.tokens].map(([scope, token]) => [scope, token.reveal()]));

describe('an answer', () => {
  test('to a refresh token renews every scope of the grant that has a token, and no other', () => {
    const record = withAnswer(RECORD, { key: 'a', grant: renewed, scopes: ['a', 'b'], isRefresh: true });

    expect(values(record)).toEqual({ a: 'new', b: 'new', c: 'c1' });
    expect(record.refreshToken).toStrictEqual({
      secret: renewed.refreshToken,
      scopes: ['a', 'b'],
      issuedAtMs: 1_000,
    });
  });

  test('to a credential renews the one scope that was asked for', () => {
    const record = withAnswer(RECORD, {
      key: 'a',
      grant: renewed,
      scopes: ['a', 'b'],
      isRefresh: false,
      before: OLD.secret.fingerprint,
    });

    expect(values(record)).toEqual({ a: 'new', b: 'b1', c: 'c1' });
  });

  test('ends what was amiss', () => {
    const record = withAnswer(RECORD, { key: 'a', grant: renewed, scopes: ['a', 'b'], isRefresh: true });

    expect(Object.keys(record).sort()).toEqual(['refreshToken', 'tokens', 'unexplainedRequestsAtMs']);
  });

  test('leaves the record it was made from as it is', () => {
    withAnswer(RECORD, { key: 'd', grant: renewed, scopes: ['d'], isRefresh: true });

    expect(values(RECORD)).toEqual({ a: 'a1', b: 'b1', c: 'c1' });
    expect(RECORD.refreshToken).toBe(OLD);
  });
});

describe('an answer', () => {
  const minted: TokenGrant = { token: tokenOf('new', 'a') };

  test('renews all that was asked for, or, where that is not known, all that its token serves', () => {
    const answer = { key: 'a', grant: minted, isRefresh: true };

    expect(values(withAnswer(RECORD, { ...answer, scopes: ['a', 'b'] }))).toEqual({
      a: 'new',
      b: 'new',
      c: 'c1',
    });
    expect(values(withAnswer(RECORD, { ...answer, scopes: undefined }))).toEqual({
      a: 'new',
      b: 'b1',
      c: 'c1',
    });
  });

  test('is stored where the refresh token that was sent has been removed meanwhile', () => {
    const { refreshToken, ...loggedOut } = RECORD;
    const before = refreshToken?.secret.fingerprint;

    expect(
      values(withAnswer(loggedOut, { key: 'a', grant: minted, scopes: ['a'], isRefresh: true, before })),
    ).toMatchObject({ a: 'new' });
  });

  test('tells what became of the refresh token that was sent, unless it was minted beside that', () => {
    const isSettled = (grant: TokenGrant, isRefresh: boolean): boolean =>
      withAnswer(RECORD, { key: 'a', grant, scopes: ['a'], isRefresh, before: OLD.secret.fingerprint })
        .sentRefresh === undefined;

    expect(isSettled(minted, true)).toBe(true);
    expect(isSettled(renewed, false)).toBe(true);
    expect(isSettled(minted, false)).toBe(false);
  });

  test('of which the refresh token is stored already brings the rest, and says nothing of what was sent after it', () => {
    const before = OLD.secret.fingerprint;
    const answer = { key: 'a', grant: renewed, scopes: ['a', 'b'], isRefresh: true, before };
    const half = { ...RECORD, refreshToken: withAnswer(RECORD, answer).refreshToken! };
    expect(withAnswer(half, answer)).toEqual(withAnswer(RECORD, answer));

    const sentRefresh = { fingerprint: renewed.refreshToken!.fingerprint, atMs: 9 };
    expect(withAnswer({ ...half, sentRefresh }, answer)).toEqual({
      ...withAnswer(RECORD, answer),
      sentRefresh,
    });
  });

  test('keeps the key that its tokens are bound to, unless it brings another', () => {
    const [before, after] = [new Secret('before'), new Secret('after')];
    const bound = new AuthToken({
      value: 't',
      scopes: ['a'],
      issuedAtMs: 1,
      expiresAtMs: 2,
      proofKey: after,
    });
    const keyOf = (token: AuthToken) =>
      withAnswer(
        { ...RECORD, proofKey: before },
        { key: 'a', grant: { token }, scopes: ['a'], isRefresh: true },
      ).proofKey;

    expect(keyOf(tokenOf('new', 'a'))).toBe(before);
    expect(keyOf(bound)).toBe(after);
  });
});

describe('compare-and-clear', () => {
  test('removes the refresh token that was compared, what is known of it, and nothing else', () => {
    const { refreshToken, sentRefresh, ...rest } = RECORD;

    expect(
      withoutRefreshToken({ ...RECORD, proofKey: new Secret('key') }, OLD.secret.fingerprint),
    ).toStrictEqual(rest);
    expect([refreshToken, sentRefresh]).not.toContain(undefined);
  });

  test('leaves another refresh token alone', () => {
    expect(withoutRefreshToken(RECORD, new Secret('other').fingerprint)).toEqual(RECORD);
    expect(withoutRefreshToken(EMPTY_GRANT, OLD.secret.fingerprint)).toEqual(EMPTY_GRANT);
  });

  test('leaves a login alone that a human has made while the old one was being refused', async () => {
    const { manager, provider, cache, clock, stored } = await expiredLogin();
    const secret = provider.login('monitoring');
    provider.next({ refuse: invalidGrant() });
    const update = cache.updateGrant.bind(cache);
    const read = cache.getGrant.bind(cache);
    let reads = 0;
    // After the engine has looked at the cache for the last time, and before it clears.
    cache.getGrant = async (key) => {
      const record = await read(key);
      reads += 1;
      if (provider.requests.at(-1)?.outcome === 'refused' && reads > 0) {
        reads = -100;
        await update(LOGGED_IN, (current) => ({
          ...current!,
          refreshToken: { secret, scopes: ['monitoring'], issuedAtMs: clock.nowMs() },
        }));
      }
      return record;
    };
    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
    });

    expect((await stored()).refreshToken?.secret).toBe(secret);
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
  });
});

test('an answer ends with what no longer serves: a token that ended more than a day before, and that it does not renew', () => {
  const day = 86_400_000;
  const endedAgo = (ms: number): AuthToken =>
    new AuthToken({ value: String(ms), scopes: [], issuedAtMs: 0, expiresAtMs: 10 * day - ms });
  const record = {
    ...RECORD,
    tokens: new Map([
      ['a', endedAgo(2 * day)],
      ['c', endedAgo(day)],
      ['d', endedAgo(day + 1)],
    ]),
  };
  const token = new AuthToken({ value: 'new', scopes: [], issuedAtMs: 10 * day, expiresAtMs: 11 * day });
  const answer = { key: 'b', grant: { token }, scopes: ['a', 'b'], before: OLD.secret.fingerprint };

  expect(values(withAnswer(record, { ...answer, isRefresh: true }))).toEqual({
    a: 'new',
    b: 'new',
    c: String(day),
  });
  expect(values(withAnswer(record, { ...answer, isRefresh: false }))).toEqual({
    b: 'new',
    c: String(day),
  });
  expect(withAnswer(record, { ...answer, isRefresh: true }).refreshToken).toEqual(OLD);
});

describe('a note', () => {
  test('of a failure touches nothing else, and ends a rest that was asked for before', () => {
    const failure = { code: 'KM_AUTH_STORM', message: 'x', atMs: 9 };
    const { notBeforeMs, ...rested } = RECORD;

    expect(withFailure(RECORD, failure, undefined)).toStrictEqual({ ...rested, lastFailure: failure });
    expect(withFailure(RECORD, failure, 77)).toEqual({ ...RECORD, lastFailure: failure, notBeforeMs: 77 });
    expect(notBeforeMs).toBe(5);
  });

  test('of a refresh token that is sent touches nothing else', () => {
    expect(withSentRefresh(RECORD, 'ff', 9)).toEqual({
      ...RECORD,
      sentRefresh: { fingerprint: 'ff', atMs: 9 },
    });
  });
});

test('clearing the tokens leaves the login', () => {
  expect(withoutTokens(RECORD)).toEqual({ ...RECORD, tokens: new Map() });
});
