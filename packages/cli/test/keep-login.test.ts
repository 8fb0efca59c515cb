import {
  AuthToken,
  createFileCache,
  endedLoginOf,
  Secret,
  systemClock,
  type GrantKey,
  type GrantRecord,
  type StoredLogin,
} from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { keepLogin } from '../src/login/keep-login.js';
import type { WonLogin } from '../src/login/login-kind.js';
import { countPendingRevocations } from '../src/queue/pending-revocations.js';
import type { SharedCache } from '../src/token-cache.js';
import { contextWith, temporaryFolder } from './support/context.js';

const DAY_MS = 86_400_000;
/** Nobody is there: what is to be ended waits. */
const ISSUER = 'http://127.0.0.1:9';
const token = new AuthToken({ value: 'access', scopes: ['read'], issuedAtMs: 1, expiresAtMs: 2 });

function wonAt(n: number, identity = 'x'): WonLogin {
  const grant: GrantKey = { apiOrigin: ISSUER, profile: 'default', credential: `login:${n}:${identity}` };
  const provider = { issuer: ISSUER, clientId: 'cli', login: 'browser' as const };
  const login: StoredLogin = {
    ...{ kind: 'oauth', profile: 'default', apiEndpoint: ISSUER, atMs: n, keySuffix: '' },
    ...{ provider, grant, loginId: String(n) },
  };
  const record: GrantRecord = {
    tokens: new Map(),
    unexplainedRequestsAtMs: [],
    refreshToken: { secret: new Secret(`refresh ${n}`), issuedAtMs: n },
  };
  return { login, token, provider, grants: [{ key: grant, record }] };
}

/** A user, and what a login of theirs is kept with. */
function user(at = { nowMs: DAY_MS }) {
  const environment = { HOME: temporaryFolder(), KM_CONFIG_DIR: temporaryFolder() };
  const files = createFileCache({ folder: environment.KM_CONFIG_DIR, environment });
  const context = contextWith(environment, { clock: { ...systemClock, nowMs: () => at.nowMs } });
  const keep = (won: WonLogin, broken: Partial<SharedCache> = {}): Promise<void> =>
    keepLogin(won, context, {
      files: { ...files, ...broken },
      signal: new AbortController().signal,
      guard: () => undefined,
    });
  return { files, keep, told: context.told, untold: () => countPendingRevocations(context) };
}

test('who issued the tokens of a login that is replaced is kept until they are taken', async () => {
  const { files, keep } = user();
  const [first, second] = [wonAt(1), wonAt(2)];
  await keep(first);
  // As for a process that is killed there: nothing of the login before is noted to be ended.
  await keep(second, { listGrants: () => Promise.reject(new Error('the storage is broken')) });
  expect(await files.logins.get('default')).toMatchObject({ loginId: '2' });
  expect(await files.logins.listEnded()).toEqual([endedLoginOf(first.login)]);
  expect((await files.getGrant(first.grants[0]!.key))?.refreshToken).toBeDefined();

  await keep(wonAt(3));
  expect(await files.logins.listEnded()).toEqual([endedLoginOf(first.login)]);
  expect((await files.getGrant(second.grants[0]!.key))?.refreshToken).toBeUndefined();
});

test('a login that cannot forget the one before is kept all the same', async () => {
  const { files, keep } = user();
  await keep(wonAt(1));
  const forget = () => Promise.reject(new Error('the disk is full'));
  await keep(wonAt(2), { logins: { ...files.logins, forget } });
  expect(await files.logins.get('default')).toMatchObject({ loginId: '2' });
});

test('of a login that is made anew in the same grant nothing is kept', async () => {
  const { files, keep } = user();
  await keep(wonAt(1));
  await keep(wonAt(1));
  expect(await files.logins.listEnded()).toEqual([]);
  expect((await files.getGrant(wonAt(1).grants[0]!.key))?.refreshToken).toBeDefined();
});

test('who logs in each day leaves no more behind than what must be known for a week', async () => {
  const at = { nowMs: 0 };
  const { files, keep } = user(at);
  const ofOthers = { ...wonAt(0).grants[0]!.key, profile: 'work' };
  const over = { tokens: new Map(), unexplainedRequestsAtMs: [], endedAtMs: 0 };
  await files.updateGrant(ofOthers, () => over);
  for (let day = 1; day <= 12; day += 1) {
    at.nowMs = day * DAY_MS;
    await keep(wonAt(day));
  }

  const days = (await files.listGrants()).map(({ credential }) => credential).sort();
  // Of the seven days before, and of today; the first, of another profile, is not asked for.
  expect(days).toEqual([0, 10, 11, 12, 4, 5, 6, 7, 8, 9].map((day) => `login:${day}:x`));
});

test('what was won in a grant that was over long ago stays', async () => {
  const at = { nowMs: 0 };
  const { files, keep } = user(at);
  await keep(wonAt(1));
  await keep(wonAt(2));
  at.nowMs = 30 * DAY_MS;
  // Right after it was looked at.
  const getGrant: SharedCache['getGrant'] = async (key) => {
    const found = await files.getGrant(key);
    if (found?.endedAtMs !== undefined) await files.updateGrant(key, () => wonAt(1).grants[0]!.record);
    return found;
  };
  await keep(wonAt(3), { getGrant });
  expect((await files.getGrant(wonAt(1).grants[0]!.key))?.refreshToken).toBeDefined();
});

describe('an issuer that keeps two logins of a person as one grant', () => {
  test('is not told of the login before, whose tokens are gone from here', async () => {
    const { files, keep, untold } = user();
    await keep(wonAt(1));
    await keep(wonAt(2));
    expect(await untold()).toBe(0);
    expect((await files.getGrant(wonAt(1).grants[0]!.key))?.refreshToken).toBeUndefined();
    expect(await files.logins.listEnded()).toEqual([]);
  });

  test('is told of it where the new login is at another issuer, or of another client', async () => {
    const { keep, told, untold } = user();
    await keep(wonAt(1));
    expect(told).toEqual([]);
    await keep(wonAt(2, 'y'));
    expect(await untold()).toBe(1);
    expect(told).toEqual([
      `km: the login before: ${ISSUER} could not be told yet: the tokens are gone from here, and \`km queue flush\` ends them there`,
    ]);
  });

  const full = () => Promise.reject(new Error('the disk is full'));

  test('is not told of a login that cannot be stored while the one before still is', async () => {
    const { files, keep, untold } = user();
    await keep(wonAt(1));
    await expect(keep(wonAt(2), { logins: { ...files.logins, set: full } })).rejects.toThrow('full');
    expect(await untold()).toBe(0);
    expect((await files.getGrant(wonAt(2).grants[0]!.key))?.refreshToken).toBeUndefined();
    expect((await files.getGrant(wonAt(1).grants[0]!.key))?.refreshToken).toBeDefined();
  });

  test('is not told of it either where it cannot be read which logins are stored', async () => {
    const { files, keep, untold } = user();
    await keep(wonAt(1));
    const logins = { ...files.logins, set: full, list: full };
    await expect(keep(wonAt(2), { logins })).rejects.toThrow('full');
    expect(await untold()).toBe(0);
  });

  test.each([
    ['nobody was logged in', undefined],
    ['the one before is at another issuer', wonAt(1, 'y')],
  ])('is told of a login that cannot be stored where %s', async (_what, before) => {
    const { files, keep, untold } = user();
    if (before !== undefined) await keep(before);
    await expect(keep(wonAt(2), { logins: { ...files.logins, set: full } })).rejects.toThrow('full');
    expect(await untold()).toBe(1);
  });
});
