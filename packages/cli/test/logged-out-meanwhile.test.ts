import {
  AuthToken,
  createAuthManager,
  createMemoryCache,
  partWithTokens,
  Secret,
  type GrantKey,
  type GrantRecord,
  type TokenCache,
  type TokenGrant,
} from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { partWithAll, takeTokens } from '../src/revocation/take-tokens.js';

const KEY: GrantKey = { apiOrigin: 'https://api.kilometers.ai', profile: 'default', credential: 'login:' };
const DAY_MS = 86_400_000;

const loginOf = (refreshToken: string): GrantRecord => ({
  tokens: new Map(),
  unexplainedRequestsAtMs: [],
  refreshToken: { secret: new Secret(refreshToken), scopes: ['monitoring'], issuedAtMs: 0 },
});

/** A process that stands still between a refresh and its answer; another takes the lock over and does `meanwhile`. */
async function pausedRefresh(meanwhile: (files: TokenCache) => Promise<unknown>) {
  const memory = createMemoryCache();
  await memory.updateGrant(KEY, () => loginOf('sent'));
  const files: TokenCache = { ...memory, withLock: (_, task) => task() };
  let isOvertaken = false;
  const cache: TokenCache = {
    ...memory,
    updateGrant: (key, change) =>
      isOvertaken ? Promise.reject(new Error('overtaken')) : memory.updateGrant(key, change),
  };
  const refuseWrites = (isRefused: boolean): void => {
    isOvertaken = isRefused;
  };
  const manager = createAuthManager({
    cache,
    provider: {
      requestToken: async (): Promise<TokenGrant> => {
        await meanwhile(files);
        const issuedAtMs = Date.now();
        const times = { issuedAtMs, expiresAtMs: issuedAtMs + DAY_MS };
        return {
          token: new AuthToken({ value: 'late', scopes: ['monitoring'], ...times }),
          refreshToken: new Secret('late next'),
        };
      },
    },
  });
  const kept = async () => {
    const record = await memory.getGrant(KEY);
    return [record?.refreshToken?.secret.reveal(), record?.tokens.get('monitoring')?.reveal()];
  };
  return { manager, memory, kept, refuseWrites };
}

type Part = typeof partWithAll | typeof partWithTokens;
const take = (files: TokenCache, part: ReturnType<Part>) =>
  takeTokens({ files, isMeant: () => true, part, note: () => Promise.resolve() });
const textsOf = ({ grants }: Awaited<ReturnType<typeof take>>) =>
  grants.flatMap(({ tokens }) => tokens.map(({ token, kind }) => `${kind} ${token.reveal()}`));

describe.each<[string, Part]>([
  ['logged out', partWithAll],
  ['revoked all tokens', partWithTokens],
])('who has %s', (_, part) => {
  test('stays so, though a process that stood still has an answer of before that', async () => {
    const { manager, kept } = await pausedRefresh((files) => take(files, part(Date.now())));
    await manager.getValidToken('monitoring');
    await manager.stop();

    expect(await kept()).toEqual([undefined, undefined]);
  });

  test('ends what came of that, too, when it is done again', async () => {
    const { manager, memory } = await pausedRefresh((files) => take(files, part(Date.now())));
    await manager.getValidToken('monitoring');
    await manager.stop();

    const again = await take(memory, part(Date.now()));
    expect(textsOf(again)).toEqual(['refresh_token late next', 'access_token late']);
    expect(textsOf(await take(memory, part(Date.now())))).toEqual([]);
  });

  test('stays so, though that process can store it only as it ends', async () => {
    const { manager, kept, refuseWrites } = await pausedRefresh(async (files) => {
      await take(files, part(Date.now()));
      refuseWrites(true);
    });
    await manager.getValidToken('monitoring');
    refuseWrites(false);
    await manager.stop();

    expect(await kept()).toEqual([undefined, undefined]);
  });

  test('can log in again: of that login an answer is stored', async () => {
    const { manager, memory, kept } = await pausedRefresh(() => Promise.resolve());
    await take(memory, part(Date.now()));
    await memory.updateGrant(KEY, () => loginOf('of another login'));
    await manager.getValidToken('monitoring');

    expect(await kept()).toEqual(['late next', 'late']);
  });
});

test('a storage that has lost everything during a refresh has the login again with the answer', async () => {
  const { manager, kept } = await pausedRefresh((files) => files.updateGrant(KEY, () => undefined));
  await manager.getValidToken('monitoring');

  expect(await kept()).toEqual(['late next', 'late']);
});

test('that somebody has logged out is remembered for a week, and then forgotten with the next logout', async () => {
  const memory = createMemoryCache();
  await memory.updateGrant(KEY, () => loginOf('refresh'));
  expect((await take(memory, partWithAll(DAY_MS))).grants).toHaveLength(1);
  expect((await take(memory, partWithAll(7 * DAY_MS))).grants).toEqual([]);
  expect(await memory.getGrant(KEY)).toEqual({
    tokens: new Map(),
    unexplainedRequestsAtMs: [],
    endedAtMs: DAY_MS,
  });

  await take(memory, partWithAll(9 * DAY_MS));
  expect(await memory.listGrants()).toEqual([]);
});
