import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { absoluteWords } from '../src/monitor/absolute-words.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-words-'));
  for (const name of ['bin', 'build', 'data']) mkdirSync(join(folder, name));
  for (const name of ['x.js', 'bin/serve', 'bin/plain']) writeFileSync(join(folder, name), '');
  chmodSync(join(folder, 'bin/serve'), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const wordsOf = (words: readonly [string, ...string[]], platform: NodeJS.Platform = 'linux') =>
  absoluteWords(words, { folder, path: `/no/such:${join(folder, 'bin')}`, platform });

test('a program of the PATH, a file and a folder that is written as a path get their whole paths', () => {
  expect(wordsOf(['serve', 'x.js', './data', '.'])).toEqual({
    words: [join(folder, 'bin/serve'), join(folder, 'x.js'), join(folder, 'data'), folder],
    changed: ['serve', 'x.js', './data', '.'],
  });
});

test.each([
  ['words, flags, packages and what is not there', ['-y', 'build', '@scope/server', 'y.js', '--file=x.js']],
  ['whole paths', ['/data', '/no/x.js']],
  ['a script', ['-e', 'process.exit(0)\0']],
])('%s stay', (_, args) => {
  const { words, changed } = wordsOf(['serve', ...args]);
  expect(words.slice(1)).toEqual(args);
  expect(changed).toEqual(['serve']);
});

test('a program that cannot be run, or is not in the PATH, stays a name; a path becomes whole', () => {
  expect(wordsOf(['plain']).words).toEqual(['plain']);
  expect(wordsOf(['nowhere']).words).toEqual(['nowhere']);
  expect(wordsOf(['bin/plain']).words).toEqual([join(folder, 'bin/plain')]);
  expect(wordsOf(['serve'], 'win32').words).toEqual(['serve']);
});
