import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sweepTemporaries, temporaryName } from '../src/caches/file/temporary-file.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-temporary-file-'));
  path = join(folder, 'file');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('what a killed writer left', () => {
  const leave = (name: string, ageMs: number): void => {
    const left = join(folder, name);
    writeFileSync(left, '');
    const atSeconds = (1_000_000_000_000 - ageMs) / 1_000;
    utimesSync(left, atSeconds, atSeconds);
  };

  test('is removed when it is over a minute old, and nothing else is', () => {
    const beside = basename(temporaryName(path));
    expect(beside).toMatch(/^file\.tmp-[0-9a-f]{12}$/);
    leave(beside, 61_000);
    leave('file.tmp-young', 60_000);
    leave('file', 61_000);
    leave('other.tmp-old', 61_000);
    mkdirSync(join(folder, 'file.tmp-folder'));
    sweepTemporaries(path, 1_000_000_000_000);

    expect(readdirSync(folder).toSorted()).toEqual([
      'file',
      'file.tmp-folder',
      'file.tmp-young',
      'other.tmp-old',
    ]);
  });

  test('in a folder that is gone is no trouble', () => {
    sweepTemporaries(join(folder, 'none', 'file'), 0);
  });
});
