import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  AuthToken,
  createFileCache,
  type CacheNotice,
  type FileCache,
  type GrantKey,
  type Keyring,
} from '../src/index.js';
import { fakeClock } from './support/fake-clock.js';
import { outcomeOf } from './support/setup.js';

const GRANT: GrantKey = { apiOrigin: 'https://api.example', profile: 'default', credential: 'key:1' };
const RECORD = {
  tokens: new Map([['a', new AuthToken({ value: 'text', scopes: ['a'], issuedAtMs: 1, expiresAtMs: 2 })]]),
  unexplainedRequestsAtMs: [],
};

/** A keyring in memory, which can be locked, or absent. */
class FakeKeyring implements Keyring {
  readonly entries = new Map<string, Buffer>();
  asked = 0;
  isLocked = false;

  get(name: string): Promise<Buffer | undefined> {
    this.asked += 1;
    return Promise.resolve(this.isLocked ? undefined : this.entries.get(name));
  }

  set(name: string, secret: Buffer): Promise<boolean> {
    if (!this.isLocked) this.entries.set(name, secret);
    return Promise.resolve(!this.isLocked);
  }
}

let folder: string;
let session: string;
let keyring: FakeKeyring;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'km-keyring-'));
  session = await mkdtemp(join(tmpdir(), 'km-session-'));
  keyring = new FakeKeyring();
});
afterEach(() => Promise.all([folder, session].map((path) => rm(path, { recursive: true, force: true }))));

/** What another process of this user has. */
function cache(environment: Readonly<Record<string, string>> = { XDG_RUNTIME_DIR: session }): FileCache {
  return createFileCache({ folder, environment, keyring, machineId: () => 'this machine' });
}

const store = (): Promise<unknown> => cache().updateGrant(GRANT, () => RECORD);
const tokenIn = async (one: FileCache): Promise<string | undefined> =>
  (await one.getGrant(GRANT))?.tokens.get('a')?.reveal();
/** Where a session keeps the key, so that the keyring is asked once. */
const copies = (): string[] =>
  readdirSync(join(session, 'kilometers')).map((name) => join(session, 'kilometers', name));

describe('a keyring that works', () => {
  test('has the key, and every process of the user opens the cache with it', async () => {
    await store();
    expect(cache().keySource()).toBe('keyring');
    expect(keyring.entries.size).toBe(1);
    expect(await tokenIn(cache())).toBe('text');
  });

  test('is asked once a session: the key is kept in a folder of the session, for this user only', async () => {
    await store();
    const { asked } = keyring;
    keyring.isLocked = true;
    expect(await tokenIn(cache())).toBe('text');
    expect(keyring.asked).toBe(asked);
    expect(copies().map((path) => statSync(path).mode & 0o777)).toEqual([0o600]);
    expect(statSync(join(session, 'kilometers')).mode & 0o777).toBe(0o700);
  });

  test('is asked again in the next session, and when what the session kept is damaged', async () => {
    await store();
    for (const damage of [(path: string) => rmSync(path), (path: string) => writeFileSync(path, 'short')]) {
      for (const path of copies()) damage(path);
      const { asked } = keyring;
      expect(await tokenIn(cache())).toBe('text');
      expect(keyring.asked).toBe(asked + 1);
      expect(copies().map((path) => statSync(path).size)).toEqual([32]);
    }
  });

  test('is asked by each process where the session has no folder, and by each only once', async () => {
    await cache({}).updateGrant(GRANT, () => RECORD);
    const { asked } = keyring;
    const one = cache({});
    await tokenIn(one);
    await tokenIn(one);
    expect(keyring.asked).toBe(asked + 1);
    expect(readdirSync(session)).toEqual([]);
  });
});

test('a keyring that is locked keeps the cache closed, says what to do, and costs nothing once it is unlocked', async () => {
  await store();
  rmSync(join(session, 'kilometers'), { recursive: true });
  keyring.isLocked = true;
  for (const attempt of [() => tokenIn(cache()), store])
    expect(await outcomeOf(attempt())).toMatchObject({
      code: 'KM_AUTH_CACHE',
      message: expect.stringMatching(
        /locked, gone or does not answer: unlock it .* remove .*\.cache_key and log in again/,
      ) as string,
    });
  expect(cache().keySource()).toBe('keyring');
  keyring.isLocked = false;
  expect(await tokenIn(cache())).toBe('text');
});

test('a keyring that does not answer is asked once in 30 s, however often the key is needed', async () => {
  await store();
  keyring.isLocked = true;
  const clock = fakeClock(0);
  const one = createFileCache({ folder, environment: {}, keyring, clock, machineId: () => 'this machine' });
  const { asked } = keyring;
  for (const attempt of [() => tokenIn(one), () => one.recordSealer(), () => one.logins.list()])
    await expect(attempt()).rejects.toThrow('locked, gone or does not answer');
  expect(keyring.asked).toBe(asked + 1);
  await clock.advance(29_999);
  await expect(one.recordSealer()).rejects.toThrow('locked, gone or does not answer');
  expect(keyring.asked).toBe(asked + 1);
  keyring.isLocked = false;
  await clock.advance(1);
  expect(await tokenIn(one)).toBe('text');
  expect(keyring.asked).toBe(asked + 2);
});

test('a keyring that did not answer is asked all the same by whoever has something to store', async () => {
  await store();
  keyring.isLocked = true;
  const clock = fakeClock(0);
  const one = createFileCache({ folder, environment: {}, keyring, clock, machineId: () => 'this machine' });
  await expect(tokenIn(one)).rejects.toThrow('locked, gone or does not answer');
  keyring.isLocked = false;
  await one.updateGrant(GRANT, () => RECORD);
  expect(await tokenIn(one)).toBe('text');
});

describe('a process that has the key', () => {
  test('reads and writes on when the keyring is locked and the session is over, and asks it no more', async () => {
    const one = cache();
    await one.updateGrant(GRANT, () => RECORD);
    rmSync(join(session, 'kilometers'), { recursive: true });
    keyring.isLocked = true;
    const { asked } = keyring;
    await one.updateGrant(GRANT, () => ({ ...RECORD, endedAtMs: 1 }));

    expect((await one.getGrant(GRANT))?.endedAtMs).toBe(1);
    await expect(one.recordSealer()).resolves.toBeDefined();
    expect(keyring.asked).toBe(asked);
  });

  test('asks the keyring once, however often it writes', async () => {
    await store();
    const one = cache({});
    const { asked } = keyring;
    for (let write = 0; write < 10; write += 1) await one.updateGrant(GRANT, () => RECORD);

    expect(keyring.asked).toBe(asked + 1);
  });

  test('writes with another from the next write on, once the key file was replaced', async () => {
    const one = cache();
    await one.updateGrant(GRANT, () => RECORD);
    rmSync(join(folder, '.cache_key'));
    await store();
    await one.updateGrant(GRANT, () => RECORD);

    expect(await tokenIn(cache())).toBe('text');
  });
});

test('where no keyring works the key is made from a secret in a file, and stays there when one works later', async () => {
  keyring.isLocked = true;
  await store();
  keyring.isLocked = false;
  await store();
  expect(cache().keySource()).toBe('file');
  expect(await tokenIn(cache())).toBe('text');
  expect(keyring.entries.size + keyring.asked).toBe(0);
});

describe('the key file', () => {
  const path = (): string => join(folder, '.cache_key');

  function noticesOf(one: FileCache): CacheNotice[] {
    const notices: CacheNotice[] = [];
    one.subscribe?.((notice) => notices.push(notice));
    return notices;
  }

  test('is made by the first write, and by nothing before', async () => {
    expect(cache().keySource()).toBeUndefined();
    expect(await cache().getGrant(GRANT)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
    await store();
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  test('that others can read is made private again, and that is told', async () => {
    await store();
    chmodSync(path(), 0o644);
    const one = cache();
    const notices = noticesOf(one);
    expect(await tokenIn(one)).toBe('text');
    expect(notices).toMatchObject([
      { kind: 'repaired', message: expect.stringContaining('.cache_key') as string },
    ]);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  test('that is damaged in one of its two lines is whole after the next write, and that is told', async () => {
    await store();
    const whole = readFileSync(path());
    for (const at of [10, whole.length / 2 + 10]) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1;
      writeFileSync(path(), damaged);
      const one = cache();
      const notices = noticesOf(one);
      await one.updateGrant(GRANT, () => RECORD);
      expect(readFileSync(path())).toEqual(whole);
      expect(notices.map(({ message }) => message)).toEqual([`${path()} was damaged: it is whole again`]);
    }
  });

  test('that is whole is left as it is by a write', async () => {
    await store();
    const { ino } = statSync(path());
    const one = cache();
    const notices = noticesOf(one);
    await one.updateGrant(GRANT, () => RECORD);
    expect(statSync(path()).ino).toBe(ino);
    expect(notices).toEqual([]);
  });
});
