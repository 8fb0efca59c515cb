import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownIdentity } from '@kilometers/auth';
import { expect, test, vi } from 'vitest';
import { makePageFolder, sweepPageFolders, writePage } from '../src/dashboard/page-folder.js';
import { temporaryFolder } from './support/context.js';
import { FakeClock } from './support/fake-clock.js';

const HOUR_MS = 3_600_000;
const ELSEWHERE = { ...ownIdentity(), bootId: 'of another machine' };

/** A home with one folder, and whether it is still there after a sweep that much later. */
function isLeftIn(prepare: (home: string) => string, ageMs = 0): boolean {
  const HOME = temporaryFolder();
  const clock = new FakeClock();
  const folder = prepare(HOME);
  const madeAt = new Date(clock.nowMs() - ageMs);
  utimesSync(folder, madeAt, madeAt);
  sweepPageFolders({ environment: { HOME }, clock });
  return existsSync(folder);
}

function withOwner(home: string, owner: string): string {
  const folder = join(home, 'km-dashboard-abc123');
  mkdirSync(folder);
  writeFileSync(join(folder, 'owner.json'), owner);
  return folder;
}

// Elsewhere it is not in the home.
test.skipIf(process.platform !== 'linux').each<[string, boolean, (home: string) => string, number]>([
  [
    'of this process stays',
    true,
    (HOME) => {
      const folder = makePageFolder({ HOME });
      writePage(folder, '');
      return folder;
    },
    100 * HOUR_MS,
  ],
  [
    'of a process that nobody can judge stays',
    true,
    (home) => withOwner(home, JSON.stringify(ELSEWHERE)),
    HOUR_MS,
  ],
  [
    'of a process that nobody can judge goes after a day',
    false,
    (home) => withOwner(home, JSON.stringify(ELSEWHERE)),
    25 * HOUR_MS,
  ],
  ['that names no process stays', true, (home) => withOwner(home, '{"pid":'), 100 * HOUR_MS],
  ['that is being made stays', true, (HOME) => makePageFolder({ HOME }), 0],
])('a folder %s', (_, isLeft, prepare, ageMs) => {
  expect(isLeftIn(prepare, ageMs)).toBe(isLeft);
});

test.skipIf(process.platform !== 'linux')(
  'a user without a home has no such folder, and none is looked for',
  () => {
    vi.stubEnv('HOME', '');
    const environment = { HOME: '' };
    sweepPageFolders({ environment, clock: new FakeClock() });
    expect(() => makePageFolder(environment)).toThrow('this user has no home folder');
  },
);
