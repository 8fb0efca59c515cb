import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SessionCopy } from '../src/caches/file/session-copy.js';

const NAME = 'cache-key-1';
const SECRET = Buffer.alloc(32, 7);

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'km-session-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

const readIn = (above: string | undefined): Buffer | undefined =>
  new SessionCopy(above).read(NAME, SECRET.length, () => undefined);

test('what was kept in a session is read in it, and in no other', async () => {
  const session = temporaryFolder();
  await new SessionCopy(session).keep(NAME, SECRET);

  expect(readIn(session)).toEqual(SECRET);
  expect(readIn(temporaryFolder())).toBeUndefined();
  expect(readIn(undefined)).toBeUndefined();
});

test.each<[string, (path: string) => void]>([
  ['a symbolic link', (path) => symlinkSync(join(path, '..', 'other'), path)],
  ['a folder', (path) => mkdirSync(path)],
  ['cut off', (path) => writeFileSync(path, SECRET.subarray(1), { mode: 0o600 })],
])('what is %s in its place is not used', async (_, spoil) => {
  const session = temporaryFolder();
  const folder = join(session, 'kilometers');
  await new SessionCopy(session).keep('other', SECRET);
  spoil(join(folder, NAME));

  expect(readIn(session)).toBeUndefined();
});

test('a session whose folder cannot have another is one without a copy', async () => {
  const session = temporaryFolder();
  writeFileSync(join(session, 'kilometers'), 'no folder');
  await new SessionCopy(session).keep(NAME, SECRET);

  expect(readIn(session)).toBeUndefined();
});

test('nothing is made where the session has no folder, or its path is not absolute', async () => {
  const session = temporaryFolder();
  for (const above of ['', 'km-relative', join(session, 'missing')]) {
    await new SessionCopy(above).keep(NAME, SECRET);
    expect(readIn(above)).toBeUndefined();
  }

  expect(['kilometers', 'km-relative', join(session, 'missing')].filter((path) => existsSync(path))).toEqual(
    [],
  );
});
