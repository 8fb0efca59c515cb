import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';

const PROGRAM = 'scripts/check-traces.mjs';

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'scripts'));
  cpSync(fileURLToPath(new URL(`../${PROGRAM}`, import.meta.url)), join(folder, PROGRAM));
  execFileSync('git', ['init', '--quiet'], { cwd: folder });
});

function check(text: string, home: string, uid?: number): { status: number | null; stderr: string } {
  writeFileSync(join(folder, 'notes.md'), text);
  execFileSync('git', ['add', 'notes.md'], { cwd: folder });
  const safe = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' };
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...safe, ...(home === '' ? {} : { HOME: home }) },
    ...(uid === undefined ? {} : { uid }),
  });
  return { status, stderr };
}

describe('npm run traces', () => {
  test('finds the home folder of whoever runs it', () => {
    expect(check('See /homes/me/notes.\n', '/homes/me')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('notes.md:1: an absolute path of one machine') as string,
    });
    expect(check('See /homes/me/notes.\n', '/homes/you').status).toBe(0);
  });

  test('takes the name of a home folder as it is', () => {
    expect(check('See /homes/axb/notes.\n', '/homes/a.b').status).toBe(0);
    expect(check('See /homes/c++(/notes.\n', '/homes/c++(').status).toBe(1);
  });

  test('lets homes pass that are examples, and /, also for who has such a one', () => {
    for (const name of ['u', 'user', 'x']) {
      expect(check(`In /home/${name}/project.\n`, `/home/${name}`).status).toBe(0);
    }
    expect(check('In //shares/project.\n', '/').status).toBe(0);
  });

  test.runIf(process.getuid?.() === 0)('works for a user that the machine does not know', () => {
    expect(check('Nothing.\n', '', 54_321)).toEqual({ status: 0, stderr: '' });
  });
});
