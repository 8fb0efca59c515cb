import { cpSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { KM, start } from './support/km.js';

/** An installation of `km` of its own, as it is before anybody has started it. */
function installation() {
  const folder = temporaryFolder();
  const installed = join(dirname(realpathSync(KM)), '..');
  for (const part of ['bin', 'dist', 'package.json']) {
    cpSync(join(installed, part), join(folder, part), {
      recursive: true,
      filter: (path) => !path.endsWith('compiled'),
    });
  }
  const compiled = join(folder, 'dist/compiled');
  return {
    folder,
    compiled,
    kept: () => readdirSync(compiled).map((name) => join(compiled, name)),
    run: async (...words: readonly string[]) => {
      const run = start(process.execPath, [join(folder, 'bin/km.cjs'), ...words], { HOME: folder });
      return { ...(await run.ended), stdout: run.stdout().toString(), stderr: run.stderr() };
    },
  };
}

const { version } = JSON.parse(readFileSync(join(dirname(realpathSync(KM)), '../package.json'), 'utf8')) as {
  readonly version: string;
};
const VERSION = { code: 0, signal: null, stdout: `${version}\n`, stderr: '' };

test('what was compiled is kept beside the bundles, once, and is what later processes run', async () => {
  const { run, kept } = installation();
  expect(await run('--version')).toEqual(VERSION);
  const [file] = kept();
  const before = readFileSync(file!);
  expect(await run('--version')).toEqual(VERSION);
  expect(kept()).toEqual([file]);
  expect(readFileSync(file!)).toEqual(before);
});

test('what is damaged is not run, and is made anew', async () => {
  const { run, kept } = installation();
  await run('--version');
  const [file] = kept();
  const whole = readFileSync(file!);
  for (const at of [0, 31, 32, 60, 1_000, whole.length >> 1, whole.length - 1]) {
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    for (const bytes of [damaged, whole.subarray(0, at)]) {
      writeFileSync(file!, bytes);
      expect(await run('--version')).toEqual(VERSION);
      expect(readFileSync(file!).equals(bytes)).toBe(false);
    }
  }
});

test('another bundle of the same size is not taken for the one that was compiled', async () => {
  const { folder, run } = installation();
  await run('help');
  const bundle = join(folder, 'dist/main.cjs');
  writeFileSync(bundle, readFileSync(bundle, 'latin1').replace('print the version', 'PRINT THE VERSION'));
  expect((await run('help')).stdout).toContain('PRINT THE VERSION');
});

test('where it cannot be kept, km works as well', async () => {
  const { run, compiled } = installation();
  writeFileSync(compiled, 'not a folder');
  expect(await run('--version')).toEqual(VERSION);
  expect(await run('--version')).toEqual(VERSION);
});

test('nothing is kept of a run that failed', async () => {
  const { run, folder } = installation();
  expect(await run('auth', 'token')).toMatchObject({ code: 4 });
  expect(readdirSync(join(folder, 'dist'))).not.toContain('compiled');
});

test('a command that loads a module of others says nothing of how', async () => {
  const { folder } = installation();
  const km = start(process.execPath, [KM, 'dev', '--port', '0', '--fail', 'nope'], { HOME: folder });
  expect(await km.ended).toEqual({ code: 2, signal: null });
  expect(km.stderr()).toMatch(/^km: cannot read trouble "nope"[^\n]*\n$/);
});
