import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { AuthToken, ownIdentity } from '@kilometers/auth';
import { beforeEach, expect, test } from 'vitest';
import { TokenFile } from '../src/exec/token-file.js';
import { temporaryFolder } from './support/context.js';

const PRIVATE = { mode: 0o600 };
const token = (value: string): AuthToken =>
  new AuthToken({ value, scopes: ['monitoring'], issuedAtMs: 0, expiresAtMs: 3_600_000 });

/** A `km` that was killed: its process id is that of another by now. */
const KILLED = { ...ownIdentity(), startTicks: '0' };

let ids = 0;
const told: string[] = [];
const CONTEXT = { createId: () => `id${(ids += 1)}`, tell: (line: string) => told.push(line) };
const fileAt = (path: string): TokenFile => new TokenFile(path, CONTEXT);
const killedFileAt = (path: string): TokenFile => new TokenFile(path, CONTEXT, KILLED);
const pathInFolder = (): string => join(temporaryFolder(), 'token');

beforeEach(() => void told.splice(0));

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
  const killed = killedFileAt(path);
  for (const value of ['first', 'second', 'third']) killed.write(token(value));
  const next = fileAt(path);
  next.write(token('fourth'));
  expect(readFileSync(path, 'utf8')).toBe('fourth');
  next.remove();
  expect(readdirSync(join(path, '..'))).toEqual([]);
});

test('what a km left that was killed between its mark and its token is replaced', () => {
  const path = pathInFolder();
  const killed = killedFileAt(path);
  killed.write(token('first'));
  const before = readFileSync(path);
  killed.write(token('second'));
  writeFileSync(path, before, PRIVATE);
  fileAt(path).write(token('third'));
  expect(readFileSync(path, 'utf8')).toBe('third');
});

test('what a km left that could not write its last tokens is replaced', () => {
  const path = pathInFolder();
  const left = killedFileAt(path);
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
  killedFileAt(path).write(token('first'));
  writeFileSync(path, 'mine', PRIVATE);
  expect(() => fileAt(path)).toThrow(/is there already/);
  expect(readFileSync(path, 'utf8')).toBe('mine');
});

test('what another km wrote in its place, which did not know that this one lives, stays and can be taken over', () => {
  const path = pathInFolder();
  const first = new TokenFile(path, CONTEXT, { ...KILLED, bootId: 'of another machine' });
  first.write(token('same'));
  killedFileAt(path).write(token('same'));
  first.remove();
  expect(readFileSync(path, 'utf8')).toBe('same');
  fileAt(path).write(token('third'));
  expect([readFileSync(path, 'utf8'), told]).toEqual(['third', []]);
});

test('a file that another km uses is not taken, as long as that one lives', () => {
  const path = pathInFolder();
  const inUse = `--token-file "${path}" is in use by another km (process ${process.pid}): name another file`;
  const [starting, other] = [killedFileAt(path), fileAt(path)];
  other.write(token('of the other'));
  for (const take of [() => killedFileAt(path), () => starting.write(token('mine'))])
    expect(take).toThrow(expect.objectContaining({ exitCode: 1, message: inUse }));
  starting.remove();
  expect(readFileSync(path, 'utf8')).toBe('of the other');
  other.remove();
  starting.write(token('mine'));
  expect(readFileSync(path, 'utf8')).toBe('mine');
});

test('of two that begin at the same time one has the file', () => {
  const path = pathInFolder();
  const winner = fileAt(path);
  // The other one writes between this one's look and its mark.
  const createId = (): string => {
    winner.write(token('of the winner'));
    return 'late';
  };
  const loser = new TokenFile(path, { ...CONTEXT, createId }, KILLED);
  expect(() => loser.write(token('of the loser'))).toThrow(/is in use by another km/);
  loser.remove();
  expect(readFileSync(path, 'utf8')).toBe('of the winner');
});

test('a mark of the older form, which does not say whose it is, is one that a killed km left', () => {
  const path = pathInFolder();
  killedFileAt(path).write(token('first'));
  const mark = `${path}.km-mark`;
  writeFileSync(mark, readFileSync(mark, 'utf8').replace(/^\{.*\n/m, ''), PRIVATE);
  const next = fileAt(path);
  next.write(token('second'));
  next.remove();
  expect(readdirSync(join(path, '..'))).toEqual([]);
});

test('where the first token cannot be written, nothing is left', () => {
  const path = pathInFolder();
  const file = fileAt(path);
  const inItsWay = `${path}.id${ids + 1}.tmp`;
  writeFileSync(inItsWay, '');
  expect(() => file.write(token('first'))).toThrow(/cannot be written/);
  file.remove();
  expect([readdirSync(join(path, '..')), told]).toEqual([[], []]);
});

test.each([
  ['a file of the same inode', (path: string) => writeFileSync(path, 'mine')],
  [
    'a file of another',
    (path: string) => {
      rmSync(path);
      writeFileSync(path, 'mine', PRIVATE);
    },
  ],
])('%s that somebody put in its place is neither replaced nor removed, and that is told', (_name, put) => {
  const path = pathInFolder();
  const file = fileAt(path);
  file.write(token('first'));
  put(path);
  const why = `--token-file "${path}" is not what km wrote any more, and is left as it is`;
  expect(() => file.write(token('second'))).toThrow(why);
  file.remove();
  file.remove();
  expect(readFileSync(path, 'utf8')).toBe('mine');
  expect(told).toEqual([`km: ${why}`]);
  expect(readdirSync(join(path, '..'))).toEqual(['token']);
});

test('a link that somebody put in its place leads to nothing that is written or removed', () => {
  const path = pathInFolder();
  const file = fileAt(path);
  file.write(token('first'));
  renameSync(path, `${path}.moved`);
  symlinkSync(`${path}.moved`, path);
  expect(() => file.write(token('second'))).toThrow(/left as it is/);
  file.remove();
  expect(readFileSync(path, 'utf8')).toBe('first');
});

test.each(['', '.km-mark'])('where somebody removed token%s, a newer token is there all the same', (end) => {
  const path = pathInFolder();
  const file = fileAt(path);
  file.write(token('first'));
  rmSync(`${path}${end}`);
  file.write(token('second'));
  expect(readFileSync(path, 'utf8')).toBe('second');
  rmSync(`${path}${end}`);
  file.remove();
  expect([readdirSync(join(path, '..')), told]).toEqual([[], []]);
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
