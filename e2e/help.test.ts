import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { environment, KM, runKm, start } from './support/km.js';
import { startOnTerminal } from './support/terminal.js';

/** All of `km`, without what is at hand. */
const WHOLE = join(realpathSync(KM), '../../dist/main.cjs');

test.each([
  ['--help'],
  ['-h'],
  ['auth --help'],
  ['auth token -h'],
  ['monitor --help'],
  ['queue flush --help'],
])('km %s at hand is what all of km prints', async (line) => {
  const whole = start(process.execPath, [WHOLE, ...line.split(' ')], environment());
  const run = await runKm(line.split(' '));
  expect(await whole.ended).toEqual({ code: 0, signal: null });
  expect(run).toMatchObject({ code: 0, signal: null, stdout: whole.stdout().toString(), stderr: '' });
  expect(run.stdout).toContain('Usage: km');
});

test.each([
  ['help auth exec -- echo it-ran', 'Usage: km auth exec'],
  ['help monitor -- echo it-ran', 'Usage: km monitor'],
  ['help auth revoke --', 'Usage: km auth revoke'],
  ['help auth exec echo it-ran', 'Usage: km auth exec'],
  ['help monitor echo it-ran', 'Usage: km monitor'],
])('km %s runs nothing', async (line, usage) => {
  const { code, stdout } = await runKm(line.split(' '));
  expect(code).toBe(0);
  expect(stdout).toContain(usage);
  expect(stdout).not.toContain('it-ran --help');
});

test.each([
  ['help tokn', 'km auth token'],
  ['help auth tokn', 'token'],
  ['auth help tokn', 'token'],
  ['auth tokn --help', 'token'],
  ['queue flsh -h', 'flush'],
  ['xyzzy --help', undefined],
  ['help xyzzy', undefined],
])('km %s is an unknown command', async (line, nearest) => {
  const { code, stdout, stderr } = await runKm(line.split(' '));
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^km: unknown command '(tokn|flsh|xyzzy)'[^\n]+\n$/);
  expect(stderr).toContain(nearest === undefined ? 'see km --help' : `(Did you mean ${nearest}?)`);
});

test.each([
  ['help'],
  ['help help'],
  ['auth help'],
  ['help auth'],
  ['auth'],
  ['auth --help'],
  ['doctor help'],
  ['auth login help'],
])('km %s is a question for help', async (line) => {
  const { code, stdout, stderr } = await runKm(line.split(' '));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^Usage: km /);
});

test('a profile may be called help', async () => {
  const env = environment();
  expect(await runKm(['init', '--profile', 'help'], { env })).toMatchObject({ code: 0 });
  expect(await runKm(['auth', 'switch', 'help'], { env })).toMatchObject({ code: 0, stdout: '' });
  expect((await runKm(['auth', 'profiles'], { env })).stdout).toContain('* help');
  const { code, stdout } = await runKm(['help', 'auth', 'switch', 'help'], { env });
  expect(code).toBe(0);
  expect(stdout).toContain('Usage: km auth switch');
});

test('help is as wide as the terminal', async () => {
  const linesAt = async (columns: number): Promise<number> => {
    const { ended, shown } = startOnTerminal(['auth', 'login', '--help'], { columns });
    expect(await ended).toMatchObject({ code: 0 });
    return shown().split('\n').length;
  };
  expect(await linesAt(50)).toBeGreaterThan(await linesAt(120));
});
