import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuthToken, Secret, type GrantKey, type GrantRecord, type TokenCache } from '../../src/index.js';
import { GRANTS, grantLockContract, type CacheStorage, type CreateStorage } from './grant-lock-contract.js';

const KEY: GrantKey = GRANTS[0];
const NEIGHBOURS: readonly GrantKey[] = GRANTS.slice(1);

const EMPTY: GrantRecord = { tokens: new Map(), unexplainedRequestsAtMs: [] };

function token(
  value: string,
  more: { readonly type?: string; readonly scopes?: readonly string[] } = {},
): AuthToken {
  return new AuthToken({ value, scopes: ['monitoring'], issuedAtMs: 1_000, expiresAtMs: 61_000.5, ...more });
}

/** A record with everything in it. */
const FULL: GrantRecord = {
  tokens: new Map([
    ['monitoring', token('eyJ.a-b_c.~+/=')],
    ['monitoring plugins', token('other', { type: 'DPoP', scopes: ['monitoring', 'plugins'] })],
    ['default', token('bare', { scopes: [] })],
  ]),
  refreshToken: {
    secret: new Secret('refresh "é" 🗝'),
    scopes: ['monitoring'],
    issuedAtMs: 2_000,
    expiresAtMs: 9_000,
  },
  sentRefresh: { fingerprint: '0123abcd', atMs: 3_000 },
  unexplainedRequestsAtMs: [4_000, 5_000],
  notBeforeMs: 6_000,
  lastFailure: { code: 'KM_AUTH_UNREACHABLE', message: 'it said "no"\n', atMs: 7_000 },
  endedAtMs: 8_000,
  leftOver: [
    { kind: 'refresh_token', token: new Secret('late refresh') },
    { kind: 'access_token', token: new Secret('late') },
  ],
};

/** A record as plain data, with its secrets in the clear, so that two can be compared. */
function plain(record: GrantRecord | undefined): unknown {
  if (record === undefined) return undefined;
  const { tokens, refreshToken, leftOver, ...rest } = record;
  const plainTokens = [...tokens].map(([scope, each]) => {
    const { type, scopes, issuedAtMs, expiresAtMs } = each;
    return [scope, { value: each.reveal(), type, scopes, issuedAtMs, expiresAtMs }] as const;
  });
  return {
    ...rest,
    tokens: Object.fromEntries(plainTokens),
    ...(leftOver !== undefined && {
      leftOver: leftOver.map(({ kind, token: each }) => [kind, each.reveal()]),
    }),
    ...(refreshToken !== undefined && {
      refreshToken: { ...refreshToken, secret: refreshToken.secret.reveal() },
    }),
  };
}

const counted = (record: GrantRecord | undefined): number => record?.unexplainedRequestsAtMs.length ?? 0;
const count = (record: GrantRecord | undefined): GrantRecord => ({
  ...(record ?? EMPTY),
  unexplainedRequestsAtMs: [...(record?.unexplainedRequestsAtMs ?? []), counted(record)],
});

/** What every `TokenCache` keeps, whatever it is made of. */
export function tokenCacheContract(name: string, createStorage: CreateStorage): void {
  grantLockContract(name, createStorage);

  describe(`a token cache: ${name}`, () => {
    let storage: CacheStorage;
    let cache: TokenCache;

    beforeEach(async () => {
      storage = await createStorage();
      cache = await storage.open();
    });
    afterEach(() => storage.close?.());

    test('has the same tokens, and no others, where it is asked for them alone', async () => {
      if (cache.getTokens === undefined) return;
      expect(await cache.getTokens(KEY)).toEqual(new Map());
      const written = await cache.updateGrant(KEY, () => FULL);
      await cache.updateGrant(NEIGHBOURS[0] ?? KEY, () => EMPTY);
      const tokens = await (await storage.open()).getTokens?.(KEY);
      expect(plain({ ...EMPTY, tokens: tokens ?? new Map() })).toEqual(
        plain({ ...EMPTY, tokens: written?.tokens ?? new Map() }),
      );
    });

    test('has nothing to begin with', async () => {
      expect(await cache.getGrant(KEY)).toBeUndefined();
      expect(await cache.listGrants()).toEqual([]);
    });

    test.each<[string, GrantRecord]>([
      ['with everything in it', FULL],
      ['with nothing in it', EMPTY],
      [
        'with a refresh token of unknown scopes',
        { ...EMPTY, refreshToken: { secret: new Secret('r'), issuedAtMs: 1 } },
      ],
    ])('gives a grant back as it was stored: one %s', async (_, record) => {
      const returned = await cache.updateGrant(KEY, () => record);

      expect(plain(returned)).toEqual(plain(record));
      expect(plain(await cache.getGrant(KEY))).toEqual(plain(record));
      expect(plain(await (await storage.open()).getGrant(KEY))).toEqual(plain(record));
    });

    test('gives tokens and secrets back that still redact themselves', async () => {
      await cache.updateGrant(KEY, () => FULL);
      const record = await cache.getGrant(KEY);

      expect(JSON.stringify([...(record?.tokens.values() ?? []), record?.refreshToken])).not.toMatch(
        /eyJ|refresh "/,
      );
      expect(record?.tokens.get('monitoring')?.authorization).toBe('Bearer eyJ.a-b_c.~+/=');
      expect(record?.tokens.get('monitoring plugins')?.authorization).toBe('DPoP other');
    });

    test('hands a change what is stored, and forgets the fields that the change leaves out', async () => {
      await cache.updateGrant(KEY, () => FULL);
      let seen: GrantRecord | undefined;
      await cache.updateGrant(KEY, (current) => {
        seen = current;
        return { ...EMPTY, unexplainedRequestsAtMs: [1] };
      });

      expect(plain(seen)).toEqual(plain(FULL));
      expect(plain(await cache.getGrant(KEY))).toEqual(plain({ ...EMPTY, unexplainedRequestsAtMs: [1] }));
    });

    test('removes a grant when a change makes nothing of it', async () => {
      await cache.updateGrant(KEY, () => FULL);

      expect(await cache.updateGrant(KEY, () => undefined)).toBeUndefined();
      expect(await cache.getGrant(KEY)).toBeUndefined();
      expect(await cache.listGrants()).toEqual([]);
      expect(await cache.updateGrant(KEY, () => undefined)).toBeUndefined();
    });

    test('leaves a grant as it is when a change throws, and goes on', async () => {
      await cache.updateGrant(KEY, () => FULL);
      const failed = cache.updateGrant(KEY, () => {
        throw new RangeError('not like this');
      });

      await expect(failed).rejects.toThrow('not like this');
      expect(plain(await cache.getGrant(KEY))).toEqual(plain(FULL));
      expect(counted(await cache.updateGrant(KEY, count))).toBe(3);
    });

    test('keeps grants apart that differ in origin, profile or credential', async () => {
      const all = [KEY, ...NEIGHBOURS];
      for (const [index, key] of all.entries()) {
        await cache.updateGrant(key, () => ({
          ...EMPTY,
          tokens: new Map([['a', token(`t${String(index)}`)]]),
        }));
      }
      await cache.updateGrant(NEIGHBOURS[0]!, () => undefined);
      const values = await Promise.all(
        all.map(async (key) => (await cache.getGrant(key))?.tokens.get('a')?.reveal()),
      );

      expect(values).toEqual(['t0', undefined, 't2', 't3', 't4']);
      const listed = await cache.listGrants();
      expect(listed).toHaveLength(4);
      expect(listed).toEqual(expect.arrayContaining([KEY, ...NEIGHBOURS.slice(1)]));
    });

    test('changes one scope of a grant without disturbing the others', async () => {
      await cache.updateGrant(KEY, () => FULL);
      await cache.updateGrant(KEY, (current) => ({
        ...(current ?? EMPTY),
        tokens: new Map([...(current?.tokens ?? []), ['default', token('newer')]]),
      }));
      const tokens = (await cache.getGrant(KEY))?.tokens;

      expect([...(tokens?.values() ?? [])].map((each) => each.reveal()).sort()).toEqual([
        'eyJ.a-b_c.~+/=',
        'newer',
        'other',
      ]);
    });

    test('loses none of fifty changes that are made at once, by several who share the storage', async () => {
      const caches = await Promise.all(Array.from({ length: 5 }, () => storage.open()));
      await Promise.all(Array.from({ length: 50 }, (_, index) => caches[index % 5]!.updateGrant(KEY, count)));

      expect((await cache.getGrant(KEY))?.unexplainedRequestsAtMs).toEqual(
        Array.from({ length: 50 }, (_, i) => i),
      );
    });
  });
}
