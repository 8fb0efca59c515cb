import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scriptPath } from '../src/monitor/script-path.js';
import { temporaryFolder } from './support/context.js';

const USUAL = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';

/** What a script with this first line needs, where `runner` is in a folder of its own, and `sh` where it always is. */
function needOf(firstLine: string, platform: NodeJS.Platform = 'linux') {
  const folder = temporaryFolder();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'runner'));
  writeFileSync(join(folder, 'script'), `${firstLine}\nrest`);
  chmodSync(join(folder, 'script'), 0o755);
  const need = scriptPath(join(folder, 'script'), { folder, path: `${bin}:/usr/bin:/bin`, platform });
  return need && { ...need, path: need.path.replace(bin, 'BIN') };
}

test.each([
  '#!/usr/bin/env runner',
  '#! /usr/bin/env runner --flag',
  '#!/usr/bin/env -S runner --flag',
  '#!/usr/bin/env -i A=b runner',
])('%s: the folder of what it names goes first', (firstLine) => {
  expect(needOf(firstLine)).toEqual({ interpreter: 'runner', path: `BIN:${USUAL}` });
});

test.each([
  ['what is found everywhere', '#!/usr/bin/env sh'],
  ['what is found nowhere', '#!/usr/bin/env no-such-runner'],
  ['a whole path', '#!/bin/sh'],
  ['no script', '\u007fELF'],
  ['nothing', ''],
])('%s needs no PATH', (_, firstLine) => {
  expect(needOf(firstLine)).toBeUndefined();
});

test('nor does anything on Windows, nor what is not there, nor a folder', () => {
  expect(needOf('#!/usr/bin/env runner', 'win32')).toBeUndefined();
  const place = { folder: '/', path: '/usr/bin', platform: 'linux' } as const;
  expect(scriptPath('/no/such/program', place)).toBeUndefined();
  expect(scriptPath('/', place)).toBeUndefined();
});
