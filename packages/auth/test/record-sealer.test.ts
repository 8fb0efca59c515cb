import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFileCache } from '../src/index.js';

let folder: string;
const SALT = Buffer.alloc(16, 7);
const sealerOf = (machineId = 'this machine') =>
  createFileCache({ folder, environment: {}, machineId: () => machineId }).recordSealer();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'km-record-sealer-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('another process of this user opens what was sealed, by its number', async () => {
  const { seal } = (await sealerOf()).sealFor('queue', SALT);
  const sealed = Buffer.concat(seal(3, [Buffer.from('secret '), Buffer.from('text')]));
  const { open } = (await sealerOf()).sealFor('queue', SALT);

  expect(sealed.includes('secret')).toBe(false);
  expect(sealed).toHaveLength('secret text'.length + 16);
  expect(open(3, sealed)?.toString()).toBe('secret text');
});

test('a record of nothing is sealed and opened as any other', async () => {
  const { seal, open } = (await sealerOf()).sealFor('queue', SALT);

  for (const nothing of [[], [Buffer.alloc(0)]]) {
    expect(open(0, Buffer.concat(seal(0, nothing)))).toEqual(Buffer.alloc(0));
  }
});

test('nothing opens with another number, file, purpose or machine, nor after any change', async () => {
  const sealer = await sealerOf();
  const { seal, open } = sealer.sealFor('queue', SALT);
  const sealed = Buffer.concat(seal(0, [Buffer.from('text')]));

  expect(open(1, sealed)).toBeUndefined();
  expect(sealer.sealFor('queue', Buffer.alloc(16, 8)).open(0, sealed)).toBeUndefined();
  expect(sealer.sealFor('other', SALT).open(0, sealed)).toBeUndefined();
  const elsewhere = await sealerOf('another machine');
  expect(elsewhere.keyId).not.toEqual(sealer.keyId);
  expect(elsewhere.sealFor('queue', SALT).open(0, sealed)).toBeUndefined();
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(open(0, changed)).toBeUndefined();
    expect(open(0, sealed.subarray(0, at))).toBeUndefined();
  }
});

test('a key that was replaced counts from the next sealer on', async () => {
  const cache = createFileCache({ folder, environment: {} });
  const before = await cache.recordSealer();
  await rm(join(folder, '.cache_key'));
  const after = await cache.recordSealer();

  expect(after.keyId).not.toEqual(before.keyId);
  expect((await createFileCache({ folder, environment: {} }).recordSealer()).keyId).toEqual(after.keyId);
});
