import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { permissionChecks } from '../src/health/permission-checks.js';
import { temporaryFolder } from './support/context.js';

const LOOKING = { isFixing: false, isKeptElsewhere: false };
const SOMEBODY_ELSE = 4_242;

/** Both folders, as km makes them. */
function madeFolders() {
  const home = temporaryFolder();
  const folders = { config: join(home, 'config'), state: join(home, 'state') };
  for (const folder of [folders.config, folders.state, join(folders.state, 'queue')])
    mkdirSync(folder, { mode: 0o700 });
  return folders;
}

const skipWithoutUsers = process.getuid === undefined;

test('folders as km makes them are one line', () => {
  const folders = madeFolders();
  expect(permissionChecks(folders, LOOKING)).toMatchObject([{ state: 'ok' }]);
});

test.skipIf(skipWithoutUsers)(
  "a folder of the queue that is another user's is a failure, with the way to get it",
  () => {
    const folders = madeFolders();
    const found = permissionChecks(folders, LOOKING, SOMEBODY_ELSE);
    const own = process.getuid?.() ?? 0;
    for (const path of [folders.state, join(folders.state, 'queue')])
      expect(found).toContainEqual({
        name: 'permissions',
        state: 'failed',
        detail: `${path} belongs to user ${String(own)}, and this is user ${String(SOMEBODY_ELSE)}`,
        remedy: `sudo chown ${String(SOMEBODY_ELSE)} ${path}`,
      });
  },
);

test.skipIf(skipWithoutUsers)('a folder of the queue that others can enter is narrowed by --fix', () => {
  const folders = madeFolders();
  chmodSync(folders.state, 0o755);
  expect(permissionChecks(folders, LOOKING)).toMatchObject([
    { state: 'ok' },
    { state: 'warning', remedy: 'run km doctor --fix' },
  ]);
  expect(permissionChecks(folders, { ...LOOKING, isFixing: true })).toMatchObject([
    { state: 'ok' },
    { state: 'ok', detail: `${folders.state} had mode 755, and has 700 now` },
  ]);
  expect(statSync(folders.state).mode & 0o777).toBe(0o700);
});

test.runIf(process.getuid?.() === 0)('a config.json of root is as good as one of this user', () => {
  const folders = madeFolders();
  for (const name of ['config.json', '.cache_key'])
    writeFileSync(join(folders.config, name), '', { mode: 0o644 });
  const found = permissionChecks(folders, LOOKING, SOMEBODY_ELSE).map(({ detail }) => detail);
  expect(found).toContainEqual(expect.stringContaining('.cache_key'));
  expect(found).not.toContainEqual(expect.stringContaining('config.json'));
});

test('a file where the folder of the queue should be is a failure', () => {
  const { config } = madeFolders();
  const state = join(config, 'state');
  writeFileSync(state, '');
  expect(permissionChecks({ config, state }, LOOKING)).toContainEqual({
    name: 'permissions',
    state: 'failed',
    detail: `${state} is not a folder`,
    remedy: 'move it away, or set XDG_STATE_HOME',
  });
});
