import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, runKm, startKm, type RunningKm } from './support/km.js';
import { until } from './support/until.js';

/** A folder for a file with a token, and commands that run with it until their input ends. */
async function folderFor(variables: Readonly<Record<string, string>> = {}) {
  const api = await startApi();
  const env = accountAt(api.url, { KM_CHECK_INTERVAL: '100ms', ...variables });
  const folder = temporaryFolder();
  const file = join(folder, 'token');
  const start = (): RunningKm => startKm(['auth', 'exec', '--token-file', file, '--', 'cat'], env);
  const content = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  return { env, folder, file, start, content };
}

test('of many that begin at once with one file, one has it, and the others say so', async () => {
  const { env, folder, file, start, content } = await folderFor();
  // The token is at hand, so that all come to the file at the same time.
  expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0 });
  const all = Array.from({ length: 6 }, start);
  const hasEnded = ({ child }: RunningKm): boolean => child.exitCode !== null;
  await until('the others', () => all.filter(hasEnded).length === 5);
  const refused = all.filter(hasEnded);
  const [winner] = all.filter((km) => !hasEnded(km));
  for (const km of refused) {
    expect(await km.ended).toMatchObject({ code: 1 });
    expect(km.stderr()).toBe(
      `km: --token-file "${file}" is in use by another km (process ${winner?.child.pid}): name another file\n`,
    );
  }
  expect(content()).toMatch(/^eyJ/);
  winner?.child.stdin.end();
  expect(await winner?.ended).toMatchObject({ code: 0 });
  expect([winner?.stderr(), readdirSync(folder)]).toEqual(['', []]);
});

test('what a person has put in its place stays, at a refresh and at the end, and is told', async () => {
  const { env, folder, file, start, content } = await folderFor();
  const km = start();
  await until('the token', () => content().startsWith('eyJ'));
  rmSync(file);
  writeFileSync(file, 'mine');
  expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
  const why = `--token-file "${file}" is not what km wrote any more, and is left as it is`;
  await until('the refresh is told', () => km.stderr().includes(why));
  km.child.stdin.end();
  expect(await km.ended).toMatchObject({ code: 0 });
  expect(km.stderr()).toBe(`km: no newer token: ${why}: remove it to have tokens there\nkm: ${why}\n`);
  expect([content(), readdirSync(folder)]).toEqual(['mine', ['token']]);
});

test('once it is gone again, the newer token is there', async () => {
  const { env, file, start, content } = await folderFor();
  const km = start();
  await until('the token', () => content().startsWith('eyJ'));
  writeFileSync(file, 'mine');
  expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
  await until('the refresh is told', () => km.stderr() !== '');
  rmSync(file);
  await until('the newer token', () => content().startsWith('eyJ'));
});
