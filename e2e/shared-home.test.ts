import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, environment, KM, runKm, start } from './support/km.js';
import { configFolderOf } from './support/login-owner.js';
import { can } from './support/login-system.js';

const MACHINE_ID = '/etc/machine-id';
const CAN_BE_ANOTHER = can('another machine id', 'unshare', '--mount', 'sh', '-c', `test -f ${MACHINE_ID}`);

/** Runs `km` where the machine has another id, as in a container that has the same home. */
async function runElsewhere(args: readonly string[], env: Record<string, string>, input = '') {
  const id = join(temporaryFolder(), 'machine-id');
  writeFileSync(id, `${'0'.repeat(31)}1\n`);
  const script = `mount --bind "$0" ${MACHINE_ID} && exec "$@"`;
  const km = start('unshare', ['--mount', 'sh', '-c', script, id, process.execPath, KM, ...args], env);
  km.child.stdin.end(input);
  const ending = await km.ended;
  return { ...ending, stdout: km.stdout().toString(), stderr: km.stderr() };
}

test.runIf(CAN_BE_ANOTHER)(
  'a container that shares the home and is not logged in leaves the login of its host alone, until somebody logs in there',
  async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const login = ['auth', 'login', '--api-key-stdin'];
    await runKm(login, { env, input: API_KEY });
    const folder = configFolderOf(env);
    const files = (): readonly Buffer[] =>
      ['.credentials', '.auth_cache'].map((name) => readFileSync(join(folder, name)));
    const aside = (): readonly string[] => readdirSync(folder).filter((name) => name.includes('corrupt'));
    const before = files();

    const elsewhere = await runElsewhere(['auth', 'token'], env);
    expect(elsewhere).toMatchObject({ code: 4, stdout: '' });
    expect(elsewhere.stderr).toMatch(/another machine/);
    expect(files()).toEqual(before);
    expect(aside()).toEqual([]);
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stderr: '' });

    const { code, stderr } = await runElsewhere(login, env, API_KEY);
    expect(code).toBe(0);
    expect(stderr).toMatch(/\.credentials did not open \(.*another machine.*\): it was moved to /);
    expect(aside()).toEqual(expect.arrayContaining([expect.stringMatching(/^\.credentials\.corrupt-/)]));
  },
);
