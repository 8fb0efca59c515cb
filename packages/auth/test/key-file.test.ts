import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatKeyFile, isWholeKeyFile, keyringName, readKeyFile } from '../src/caches/file/key-file.js';

const KEY_FILE = { source: 'file', installSecret: Buffer.alloc(32, 0xab) } as const;
const LINE = `km-key 1 file ${'ab'.repeat(32)}`;

let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'km-key-file-')), '.cache_key');
});
afterEach(() => {
  rmSync(join(path, '..'), { recursive: true, force: true });
});

function read(content: string | Buffer) {
  writeFileSync(path, content, { mode: 0o600 });
  return readKeyFile(path, () => undefined);
}

/** A line with its check. */
function checked(line: string): string {
  return `${line} ${createHash('sha256').update(line).digest('hex').slice(0, 8)}\n`;
}

describe('the key file', () => {
  test('says the same twice, each time with a check', () => {
    expect(formatKeyFile(KEY_FILE).toString()).toBe(checked(LINE) + checked(LINE));
  });

  test('is read back as it was written, and is whole', () => {
    for (const keyFile of [KEY_FILE, { ...KEY_FILE, source: 'keyring' } as const]) {
      const reading = read(formatKeyFile(keyFile));

      expect(reading?.keyFile).toEqual(keyFile);
      expect(reading !== undefined && isWholeKeyFile(reading)).toBe(true);
    }
  });

  test('is nothing where there is none', () => {
    expect(readKeyFile(path, () => undefined)).toBeUndefined();
  });

  test.each([
    ['the first', `x${checked(LINE).slice(1)}${checked(LINE)}`],
    ['the secret of the first', checked(LINE).replace('abab', 'acab') + checked(LINE)],
    ['the second', `${checked(LINE)}x${checked(LINE).slice(1)}`],
    ['the second, of which nothing is left,', checked(LINE)],
  ])('of which one line, %s, is damaged says what the other says, and is not whole', (_which, content) => {
    const reading = read(content);

    expect(reading?.keyFile).toEqual(KEY_FILE);
    expect(reading !== undefined && isWholeKeyFile(reading)).toBe(false);
  });

  test.each([
    ['nothing', ''],
    ['one word', 'km-key'],
    ['lines without a check', `${LINE}\n${LINE}\n`],
    ['the magic of another file', checked(LINE.replace('km-key', 'km-other'))],
    ['an older version', checked(LINE.replace(' 1 ', ' 0 '))],
    ['a source that there is not', checked(LINE.replace(' file ', ' cloud '))],
    ['a secret that is too short', checked(LINE.slice(0, -2))],
    ['no secret', checked('km-key 1 file')],
    ['a higher number in another file', checked('km-other 2 file')],
  ])('with %s says nothing', (_what, content) => {
    const reading = read(content);

    expect(reading).toMatchObject({ keyFile: undefined, bytes: Buffer.from(content) });
    expect(reading !== undefined && isWholeKeyFile(reading)).toBe(false);
  });

  test.each([
    ['alone', checked('km-key 2 whatever it is')],
    ['below one of ours', checked(LINE) + checked(LINE) + checked('km-key 2 x')],
    ['below a damaged one', `damaged\n${checked('km-key 2 x')}`],
  ])('with a line of a newer version, %s, is left alone', (_where, content) => {
    expect(() => read(content)).toThrow(`${path} was written by a newer version (format 2)`);
  });

  test('names the entry in the keyring by the beginning of its secret', () => {
    expect(keyringName(KEY_FILE.installSecret)).toBe('cache-key-abababababababab');
  });
});
