import { expect, test } from 'vitest';
import {
  AuthToken,
  createAuthManager,
  createMemoryCache,
  Secret,
  TokenRequestError,
  type GrantRecord,
  type TokenCache,
  type TokenGrant,
} from '../src/index.js';

const HOUR_MS = 3_600_000;
const OLD: GrantRecord = {
  tokens: new Map(),
  unexplainedRequestsAtMs: [],
  refreshToken: { secret: new Secret('old'), scopes: ['monitoring'], issuedAtMs: 0 },
};

const KEY = { apiOrigin: 'https://api.kilometers.ai', profile: 'default', credential: 'login:' };

function token(value: string): AuthToken {
  const nowMs = Date.now();
  return new AuthToken({ value, scopes: ['monitoring'], issuedAtMs: nowMs, expiresAtMs: nowMs + HOUR_MS });
}

/** A cache in which `change` happens while this process stands still between its look and its note. */
async function pausedAt(
  change: (record: GrantRecord) => GrantRecord,
  onRelease: () => void = () => undefined,
): Promise<TokenCache> {
  const cache = createMemoryCache();
  await cache.updateGrant(KEY, () => OLD);
  let isPaused = true;
  return {
    kind: cache.kind,
    getGrant: (each) => cache.getGrant(each),
    listGrants: () => cache.listGrants(),
    withLock: (each, task, options) => cache.withLock(each, task, options).finally(onRelease),
    updateGrant: async (each, own) => {
      if (isPaused) await cache.updateGrant(KEY, (current) => change(current ?? OLD));
      isPaused = false;
      return cache.updateGrant(each, own);
    },
  };
}

/** @param meanwhile happens between the arrival of a request and its answer. */
function managerOf(cache: TokenCache, meanwhile: () => Promise<unknown> = () => Promise.resolve()) {
  const sent: string[] = [];
  const manager = createAuthManager({
    cache,
    provider: {
      requestToken: async (request): Promise<TokenGrant> => {
        sent.push(request.grantType === 'refresh_token' ? request.refreshToken.reveal() : request.grantType);
        await meanwhile();
        return { token: token('mine'), refreshToken: new Secret('mine next') };
      },
    },
  });
  return { manager, sent };
}

test('an owner that was paused while another renewed the grant takes what that one got, and sends nothing', async () => {
  const cache = await pausedAt((record) => ({
    ...record,
    tokens: new Map([['monitoring', token('theirs')]]),
    refreshToken: { secret: new Secret('their next'), scopes: ['monitoring'], issuedAtMs: 1 },
  }));
  const { manager, sent } = managerOf(cache);

  expect((await manager.getValidToken('monitoring')).reveal()).toBe('theirs');
  expect(sent).toEqual([]);
});

test('an owner that was paused while another rotated the refresh token for another scope sends the new one, once it has the lock again', async () => {
  let sentWithFirstLock: readonly string[] | undefined;
  const next = { scopes: ['monitoring'], issuedAtMs: 1 };
  const cache = await pausedAt(
    (record) => ({ ...record, refreshToken: { secret: new Secret('their next'), ...next } }),
    () => (sentWithFirstLock ??= [...sent]),
  );
  const { manager, sent } = managerOf(cache);

  expect((await manager.getValidToken('monitoring')).reveal()).toBe('mine');
  expect(sent).toEqual(['their next']);
  expect(sentWithFirstLock).toEqual([]);
});

test('an owner that is overtaken each time it has the lock says so in the end, and has sent nothing', async () => {
  let turns = 0;
  const cache = createMemoryCache();
  const rotate = (record: GrantRecord = OLD): GrantRecord => ({
    ...record,
    refreshToken: {
      secret: new Secret(`their ${String((turns += 1))}`),
      scopes: ['monitoring'],
      issuedAtMs: 1,
    },
  });
  await cache.updateGrant(KEY, rotate);
  const { manager, sent } = managerOf({
    ...cache,
    updateGrant: async (key, change) => {
      await cache.updateGrant(KEY, rotate);
      return cache.updateGrant(key, change);
    },
  });

  await expect(manager.getValidToken('monitoring')).rejects.toMatchObject({
    code: 'KM_AUTH_LOCK_TIMEOUT',
    isRetryable: true,
  });
  expect(sent).toEqual([]);
});

test('an owner that was paused while another sent the refresh token does not send it again', async () => {
  const cache = await pausedAt((record) => ({
    ...record,
    sentRefresh: { fingerprint: new Secret('old').fingerprint, atMs: Date.now() },
  }));
  const { manager, sent } = managerOf(cache);

  await expect(manager.getValidToken('monitoring')).rejects.toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });
  expect(sent).toEqual([]);
});

test('an owner that stood still while another sent the refresh token does not try again, though its own answer was lost', async () => {
  const cache = createMemoryCache();
  await cache.updateGrant(KEY, () => OLD);
  const theirs = { fingerprint: new Secret('old').fingerprint, atMs: Date.now() + 5_000 };
  const { manager, sent } = managerOf(cache, async () => {
    await cache.updateGrant(KEY, (current) => ({ ...(current ?? OLD), sentRefresh: theirs }));
    throw new TokenRequestError('KM_AUTH_UNREACHABLE', 'ECONNRESET', { isAnswerLost: true });
  });

  await expect(manager.getValidToken('monitoring')).rejects.toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });
  expect(sent).toEqual(['old']);
  expect((await cache.getGrant(KEY))?.sentRefresh).toEqual(theirs);
});

test('an owner that was paused until another had renewed the grant, or a human had logged in, does not write over that', async () => {
  const cache = createMemoryCache();
  await cache.updateGrant(KEY, () => OLD);
  const theirs: GrantRecord = {
    ...OLD,
    tokens: new Map([['monitoring', token('theirs')]]),
    refreshToken: { secret: new Secret('their next'), scopes: ['monitoring'], issuedAtMs: 1 },
  };
  const { manager, sent } = managerOf(cache, () => cache.updateGrant(KEY, () => theirs));

  await manager.getValidToken('monitoring');
  expect(sent).toEqual(['old']);
  expect(await cache.getGrant(KEY)).toEqual(theirs);
});
