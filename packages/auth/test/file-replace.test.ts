import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replaceUnderLock } from '../src/caches/file/replace-under-lock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-file-replace-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const replace = (next: () => string | undefined): Promise<void> =>
  replaceUnderLock({ path: join(folder, 'file'), folder, name: 'some', random: () => 0.5 }, next);

test('a small file is replaced under a lock of its own, and swept of what killed writers left', async () => {
  const left = join(folder, 'file.tmp-0123456789ab');
  writeFileSync(left, '');
  utimesSync(left, 1, 1);
  await replace(() => {
    expect(readdirSync(join(folder, '.locks'))).toEqual(['some']);
    return 'new';
  });

  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('new');
  expect(readdirSync(folder).toSorted()).toEqual(['.locks', 'file']);
});

test('a small file stays as it is where nothing is to be changed, or what should be cannot be told', async () => {
  writeFileSync(join(folder, 'file'), 'old');
  const failure = new Error('its own trouble');
  await replace(() => undefined);
  await expect(
    replace(() => {
      throw failure;
    }),
  ).rejects.toBe(failure);

  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('old');
});
