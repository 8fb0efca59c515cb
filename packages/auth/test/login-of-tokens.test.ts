import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  AuthToken,
  createAuthManager,
  createFileCache,
  type AuthManager,
  type FileCache,
  type GrantRecord,
  type TokenProvider,
} from '../src/index.js';
import { decodeGrant, encodeGrant } from '../src/caches/file/grant-codec.js';
import { fakeClock, type FakeClock } from './support/fake-clock.js';
import { HOUR, LOGGED_IN, outcomeOf } from './support/setup.js';

/*
 * A login at an issuer that gives no refresh token, as GitHub: its token is all there is of it, and nothing but a human wins
 * another.
 */
let folder: string;
let clock: FakeClock;

/** Nobody is ever asked. */
const provider: TokenProvider = { requestToken: () => Promise.reject(new Error('asked')) };

const tokenOf = (value: string): AuthToken =>
  new AuthToken({
    value,
    scopes: [],
    issuedAtMs: clock.nowMs(),
    expiresAtMs: clock.nowMs() + 1_000 * HOUR,
  });

const newCache = (): FileCache => createFileCache({ folder, environment: {}, machineId: () => 'machine' });
const newProgram = (): AuthManager => createAuthManager({ provider, cache: newCache(), clock });
const store = (values: Readonly<Record<string, string>>): Promise<unknown> =>
  newCache().updateGrant(LOGGED_IN, () => ({
    tokens: new Map(Object.entries(values).map(([scope, value]) => [scope, tokenOf(value)])),
    unexplainedRequestsAtMs: [],
  }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'km-login-of-tokens-'));
  clock = fakeClock();
  await store({ a: 'the-token', b: 'the-token' });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test.each([
  ['is removed', () => rm(join(folder, '.auth_cache'))],
  ['is cut in half', async () => damage((bytes) => bytes.subarray(0, bytes.length / 2))],
  ['is garbage', async () => damage((bytes) => Buffer.alloc(bytes.length, 0xa5))],
])('the login goes on when .auth_cache %s, and after what is noted then', async (_, harm) => {
  await harm();
  expect((await newProgram().getValidToken('a')).reveal()).toBe('the-token');
  await outcomeOf(newProgram().getValidToken('other'));
  expect((await newProgram().getValidToken('b')).reveal()).toBe('the-token');
});

async function damage(how: (bytes: Buffer) => Buffer): Promise<void> {
  const path = join(folder, '.auth_cache');
  await writeFile(path, how(await readFile(path)));
}

test('clearing the cache clears what can be won again, not the login', async () => {
  const program = newProgram();
  await program.getValidToken('a');
  await program.clearCache();
  for (const each of [program, newProgram()])
    expect((await each.getValidToken('a')).reveal()).toBe('the-token');
});

describe('the API says that one token was revoked', () => {
  test('the others of the login stay: nothing brings them back', async () => {
    await store({ a: 'one', b: 'another' });
    const program = newProgram();
    const rejected = await program.getValidToken('a');
    const outcome = await outcomeOf(program.forceRefresh('a', { rejected, isRevoked: true }));

    expect(outcome).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    expect((await program.getValidToken('b')).reveal()).toBe('another');
    for (const scope of ['a', 'b'])
      expect(await outcomeOf(newProgram().getValidToken(scope))).toMatchObject(
        scope === 'a' ? { code: 'KM_AUTH_LOGIN_REQUIRED' } : { scopes: [] },
      );
  });

  test('it goes under every scope that it served', async () => {
    const program = newProgram();
    const rejected = await program.getValidToken('a');
    await outcomeOf(program.forceRefresh('a', { rejected, isRevoked: true }));

    expect((await newCache().getGrant(LOGGED_IN))?.tokens.size).toBe(0);
    expect((await readFile(join(folder, '.credentials'))).length).toBeLessThan(100);
  });
});

describe('the half that must not be lost', () => {
  const record: GrantRecord = {
    tokens: new Map([
      ['a', new AuthToken({ value: 'the-token', scopes: ['a'], issuedAtMs: 1, expiresAtMs: 2 })],
    ]),
    unexplainedRequestsAtMs: [],
  };

  test('brings the tokens back alone', () => {
    const { login } = encodeGrant(LOGGED_IN, record);
    expect(decodeGrant({ login, tokens: undefined })?.tokens.get('a')?.reveal()).toBe('the-token');
  });

  test.each<[string, typeof LOGGED_IN, GrantRecord]>([
    ['of a credential, which wins others', { ...LOGGED_IN, credential: 'key:1' }, record],
    ['of a login that was ended', LOGGED_IN, { ...record, endedAtMs: 5 }],
    ['of a login without any', LOGGED_IN, { ...record, tokens: new Map() }],
  ])('has no tokens %s', (_, key, of) => {
    const { login } = encodeGrant(key, of);
    expect(login?.toString() ?? '').not.toContain('tokens');
  });
});
