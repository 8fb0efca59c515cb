import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuthToken } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { TokenFile } from '../src/exec/token-file.js';
import { temporaryFolder } from './support/context.js';

const PRIVATE = { mode: 0o600 };
const token = (value: string): AuthToken =>
  new AuthToken({ value, scopes: ['monitoring'], issuedAtMs: 0, expiresAtMs: 3_600_000 });

let ids = 0;
const fileAt = (path: string): TokenFile => new TokenFile(path, () => `id${(ids += 1)}`);
const pathInFolder = (): string => join(temporaryFolder(), 'token');

test.each([
  ['an API key', 'km_live_0123456789'],
  ['a password', 'correct-horse'],
  ["somebody else's JWT", 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln'],
])('%s that no km wrote is left alone, and said to be in the way', (_name, secret) => {
  const path = pathInFolder();
  writeFileSync(path, secret, PRIVATE);
  expect(() => fileAt(path)).toThrow(/is there already, .*name another file, or remove it/);
  expect(readFileSync(path, 'utf8')).toBe(secret);
});

test('an empty file, as mktemp makes it, is taken, and nothing is left of it at the end', () => {
  const path = pathInFolder();
  writeFileSync(path, '', PRIVATE);
  const file = fileAt(path);
  file.write(token('first'));
  expect(readFileSync(path, 'utf8')).toBe('first');
  file.remove();
  expect(readdirSync(join(path, '..'))).toEqual([]);
});

test('what a killed km left is replaced, however often its token was', () => {
  const path = pathInFolder();
  const killed = fileAt(path);
  for (const value of ['first', 'second', 'third']) killed.write(token(value));
  const next = fileAt(path);
  next.write(token('fourth'));
  expect(readFileSync(path, 'utf8')).toBe('fourth');
  next.remove();
  expect(readdirSync(join(path, '..'))).toEqual([]);
});

test('what a km left that was killed between its mark and its token is replaced', () => {
  const path = pathInFolder();
  const killed = fileAt(path);
  killed.write(token('first'));
  const before = readFileSync(path);
  killed.write(token('second'));
  writeFileSync(path, before, PRIVATE);
  fileAt(path).write(token('third'));
  expect(readFileSync(path, 'utf8')).toBe('third');
});

test('what a km left that could not write its last tokens is replaced', () => {
  const path = pathInFolder();
  const left = fileAt(path);
  left.write(token('first'));
  for (const value of ['second', 'third']) {
    writeFileSync(`${path}.id${ids + 1}.tmp`, 'in its way');
    expect(() => left.write(token(value))).toThrow(/cannot be written/);
  }
  expect(readFileSync(path, 'utf8')).toBe('first');
  fileAt(path).write(token('fourth'));
  expect(readFileSync(path, 'utf8')).toBe('fourth');
});

test('what somebody put in the place of what a killed km left is left alone', () => {
  const path = pathInFolder();
  fileAt(path).write(token('first'));
  writeFileSync(path, 'mine', PRIVATE);
  expect(() => fileAt(path)).toThrow(/is there already/);
  expect(readFileSync(path, 'utf8')).toBe('mine');
});

test('what another km wrote in its place stays, and can be taken over from that one', () => {
  const path = pathInFolder();
  const first = fileAt(path);
  first.write(token('first'));
  const second = fileAt(path);
  second.write(token('second'));
  first.remove();
  expect(readFileSync(path, 'utf8')).toBe('second');
  fileAt(path).write(token('third'));
  expect(readFileSync(path, 'utf8')).toBe('third');
});

test('the mark holds no token, is for its owner only, and never replaces what is no mark', () => {
  const path = pathInFolder();
  fileAt(path).write(token('a-secret'));
  const mark = `${path}.km-mark`;
  expect(readFileSync(mark, 'utf8')).not.toContain('a-secret');
  expect(statSync(mark).mode & 0o777).toBe(0o600);

  rmSync(path);
  writeFileSync(mark, 'my notes\n');
  expect(() => fileAt(path)).toThrow(/km-mark.*is there already/);
  expect(readFileSync(mark, 'utf8')).toBe('my notes\n');
  expect(existsSync(path)).toBe(false);
});
