import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CacheNotice } from '../src/index.js';
import { SealedFolder } from '../src/caches/file/sealed-folder.js';

let root: string;
let path: string;
const ID = Buffer.alloc(16, 1);
const open = (): SealedFolder =>
  new SealedFolder({ folder: path, environment: {}, machineId: () => 'machine' });
const store = (text: string): Promise<void> => {
  const folder = open();
  return folder.whileWriting(({ write }) => write(folder.tokens, ID, Buffer.from(text)));
};
const damage = (name: string): void => {
  writeFileSync(join(path, name), 'damaged', { mode: 0o600 });
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'km-sealed-folder-'));
  path = join(root, 'folder');
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

test('the folder is made, for its user only, when it is needed', () => {
  open().prepare();

  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test('without a key nothing opens, and nothing is called damaged', async () => {
  mkdirSync(path, 0o700);
  damage('.auth_cache');
  const folder = open();
  const notices: CacheNotice[] = [];
  folder.subscribe((notice) => notices.push(notice));

  expect(await folder.read(folder.tokens, ID)).toBeUndefined();
  expect(await folder.readAll(folder.tokens)).toEqual([]);
  expect(notices).toEqual([]);
});

test('what was found before anybody listened is told to the first who does, and what comes later to all who do', async () => {
  await store('text');
  damage('.auth_cache');
  damage('.credentials');
  const folder = open();
  const told: Record<string, string[]> = { first: [], second: [], gone: [] };
  const listen = (name: string) => folder.subscribe(({ message }) => told[name]?.push(message));
  await folder.readAll(folder.tokens);
  listen('first');
  listen('second');
  listen('gone')();
  await folder.read(folder.logins, ID);

  const tokens = `${path}/.auth_cache does not open whole (it is damaged)`;
  const logins = `${path}/.credentials does not open (it is damaged): it counts as empty`;
  expect(told).toEqual({ first: [tokens, logins], second: [logins], gone: [] });
});

test('a listener that fails keeps nobody from reading, from repairing, or from being told', async () => {
  await store('text');
  damage('.auth_cache');
  const folder = open();
  const told: string[] = [];
  await folder.read(folder.tokens, ID);
  folder.subscribe(() => {
    throw new Error('a listener failed');
  });
  const failsLater = (): unknown => Promise.reject(new Error('a listener failed'));
  folder.subscribe(failsLater);
  folder.subscribe(({ message }) => told.push(message));
  await folder.whileWriting(({ write }) => write(folder.tokens, ID, Buffer.from('new')));

  expect((await folder.read(folder.tokens, ID))?.toString()).toBe('new');
  expect(told).toEqual([expect.stringMatching(/auth_cache did not open .*: it was moved to/)]);
});

test('that others could enter it is put right before the first look, and told; later looks take no time for that', async () => {
  await store('text');
  chmodSync(path, 0o755);
  const folder = open();
  const told: unknown[] = [];
  folder.subscribe((notice) => told.push(notice));
  await folder.read(folder.tokens, ID);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(told).toEqual([
    { kind: 'repaired', message: `${path} could be entered by other users (mode 755): it is 700 now` },
  ]);
  chmodSync(path, 0o755);
  await folder.read(folder.tokens, ID);

  expect(statSync(path).mode & 0o777).toBe(0o755);
});

test('a key that cannot be read any more is the one that was known, where one was', async () => {
  await store('text');
  const folder = open();
  const key = await folder.ensureKey();
  rmSync(join(path, '.cache_key'));
  mkdirSync(join(path, '.cache_key'));

  expect(await folder.ensureKey()).toEqual(key);
  await expect(open().ensureKey()).rejects.toThrow('.cache_key is not a file');
});

test('whoever waits for a change looks once, and again after each change', async () => {
  await store('one');
  const folder = open();
  const look = folder.afterChange(async () => (await folder.read(folder.tokens, ID))?.toString());

  expect([await look(), await look()]).toEqual(['one', undefined]);
  await store('other');
  expect([await look(), await look()]).toEqual(['other', undefined]);
  expect(readFileSync(join(path, '.auth_cache')).includes('other')).toBe(false);
});
