import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLocalApi } from '../src/index.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-local-api-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const modeOf = (file: string): number => statSync(file).mode & 0o777;

function expectRefusal(file: string): void {
  expect(() => createLocalApi({ database: file })).toThrow(
    expect.objectContaining({
      code: 'KM_LOCAL_API_STORE_UNAVAILABLE',
      message: expect.stringContaining(`${file} is no database of this API`) as string,
    }),
  );
}

test('a file that is no database is left as it is, and said to be none', () => {
  const file = join(folder, 'notes.md');
  writeFileSync(file, '# Notes\n', { mode: 0o644 });
  expectRefusal(file);
  expect(modeOf(file)).toBe(0o644);
  expect(readFileSync(file, 'utf8')).toBe('# Notes\n');
});

test.runIf(process.platform === 'linux')('a file that is no database is not kept open', () => {
  const file = join(folder, 'closed.md');
  writeFileSync(file, '# Notes\n');
  expectRefusal(file);
  const open = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd));
    } catch {
      return ''; // The one that listed the folder.
    }
  });
  expect(open).not.toContain(file);
});

test('a database of another program is left as it is', () => {
  const file = join(folder, 'bookmarks.db');
  const other = new Database(file);
  other.exec('CREATE TABLE bookmark (url TEXT)');
  other.close();
  chmodSync(file, 0o644);
  const before = readFileSync(file);
  expectRefusal(file);
  expect(modeOf(file)).toBe(0o644);
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('a database of another program that has accounts and events as well is left as it is', () => {
  const file = join(folder, 'ledger.db');
  const other = new Database(file);
  other.exec('CREATE TABLE account (iban TEXT); CREATE TABLE event (what TEXT)');
  other.close();
  const before = readFileSync(file);
  expectRefusal(file);
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('a database of this API that others could read is made private', async () => {
  const file = join(folder, 'copied.db');
  await createLocalApi({ database: file }).close();
  chmodSync(file, 0o644);
  const api = createLocalApi({ database: file });
  for (const each of [file, `${file}-wal`, `${file}-shm`]) expect(modeOf(each)).toBe(0o600);
  await api.close();
});

test('an empty file becomes a database', async () => {
  const file = join(folder, 'empty.db');
  writeFileSync(file, '', { mode: 0o644 });
  const api = createLocalApi({ database: file });
  expect(modeOf(file)).toBe(0o600);
  await api.close();
});
