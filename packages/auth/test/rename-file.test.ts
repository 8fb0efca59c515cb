import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { renameFile, type RenameSystem } from '../src/caches/file/rename-file.js';
import { fakeClock } from './support/fake-clock.js';
import { outcomeOf } from './support/setup.js';

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: not permitted, rename`), { code });
}

/** A system on which a file that is open cannot be renamed over, for so long. */
function busyFor(ms: number, code = 'EPERM', platform: NodeJS.Platform = 'win32') {
  const clock = fakeClock();
  const renamed: string[] = [];
  const triedAtMs: number[] = [];
  const system: RenameSystem = {
    platform,
    clock,
    rename: async (from, to) => {
      triedAtMs.push(clock.monotonicMs());
      if (clock.monotonicMs() < ms) throw failure(code);
      renamed.push(`${from} ${to}`);
    },
  };
  return { system, clock, renamed, triedAtMs };
}

describe('a file that is renamed over another', () => {
  test('is there at once, in its place', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'km-rename-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    writeFileSync(from, 'new');
    writeFileSync(to, 'old');
    await renameFile(from, to);

    expect(readFileSync(to, 'utf8')).toBe('new');
    await expect(renameFile(from, to)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test.each(['EPERM', 'EACCES', 'EBUSY'])('on Windows waits for who has it open: %s', async (code) => {
    const { system, clock, renamed, triedAtMs } = busyFor(500, code);
    const done = renameFile('a', 'b', undefined, system);
    await clock.advance(700);
    await done;

    expect(renamed).toEqual(['a b']);
    expect(triedAtMs).toEqual([0, 10, 30, 70, 150, 310, 470, 630]);
  });

  test('on Windows is given up after 10 s, with what the system said', async () => {
    const { system, clock, renamed, triedAtMs } = busyFor(60_000);
    const outcome = outcomeOf(renameFile('a', 'b', undefined, system));
    await clock.advance(11_000);

    expect(await outcome).toMatchObject({ code: 'EPERM' });
    expect(renamed).toEqual([]);
    expect(triedAtMs.at(-1)).toBeGreaterThanOrEqual(10_000);
    expect(triedAtMs.at(-1)).toBeLessThan(10_200);
    expect(clock.timers()).toEqual([]);
  });

  test.each<[string, NodeJS.Platform, string]>([
    ['on Linux, where that is meant', 'linux', 'EPERM'],
    ['on macOS, where that is meant', 'darwin', 'EACCES'],
    ['on Windows, for another reason', 'win32', 'ENOSPC'],
  ])('and is refused %s is tried once', async (_where, platform, code) => {
    const { system, triedAtMs } = busyFor(500, code, platform);

    expect(await outcomeOf(renameFile('a', 'b', undefined, system))).toMatchObject({ code });
    expect(triedAtMs).toEqual([0]);
  });

  test('is not any more once it must not be: that is asked before each try', async () => {
    const { system, clock, renamed, triedAtMs } = busyFor(500);
    let asked = 0;
    const assertAllowed = async (): Promise<void> => {
      asked += 1;
      if (asked === 3) throw new Error('overtaken');
    };
    const outcome = outcomeOf(renameFile('a', 'b', assertAllowed, system));
    await clock.advance(1_000);

    expect(await outcome).toMatchObject({ message: 'overtaken' });
    expect([renamed, triedAtMs]).toEqual([[], [0, 10]]);
  });
});
