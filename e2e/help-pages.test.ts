import { expect, test } from 'vitest';
import { environment, runKm } from './support/km.js';
import { codeBlocks } from './support/markdown.js';
import { startOnScreen } from './support/screen.js';
import { can } from './support/login-system.js';

/** Each command with what docs/cli.md says that its help is. */
const PAGES = codeBlocks('docs/cli.md', 'text').map(({ text }) => {
  const [, line = '', help = ''] = /^\$ (km.*)\n([^]*)$/.exec(text) ?? [];
  return { line, help };
});

test.each(PAGES)('$line prints what docs/cli.md has', async ({ line, help }) => {
  const run = await runKm(line.split(' ').slice(1));
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toBe(help);
});

test('all commands are there', () => {
  expect(PAGES.length).toBeGreaterThan(20);
});

test.each([
  { args: [], same: '--help' },
  { args: ['auth'], same: 'auth --help' },
  { args: ['help', 'auth', 'token'], same: 'auth token --help' },
  { args: ['auth', 'help', 'token'], same: 'auth token --help' },
])('km $args is km $same', async ({ args, same }) => {
  const [one, other] = await Promise.all([runKm(args), runKm(same.split(' '))]);
  expect(one).toEqual(other);
  expect(one.code).toBe(0);
});

test.each([
  { args: ['login'], said: "unknown command 'login' (Did you mean km auth login?)" },
  { args: ['lgoin'], said: "unknown command 'lgoin' (Did you mean km auth login?)" },
  { args: ['tokn', '--json'], said: "unknown command 'tokn' (Did you mean km auth token?)" },
  { args: ['queue', 'tokn'], said: '(Did you mean km auth token?)' },
  { args: ['auth', 'doctr'], said: '(Did you mean km doctor?)' },
  { args: ['status'], said: '(Did you mean one of km auth status, km queue status?)' },
  { args: ['auth', 'statsu'], said: '(Did you mean one of stats, status?)' },
  { args: ['auth', 'status', '--jsn'], said: '(Did you mean --json?)' },
  { args: ['stauts'], said: '(Did you mean one of km auth status, km auth stats, km queue status?)' },
  { args: ['hlep'], said: '(Did you mean help?)' },
  { args: ['docter'], said: '(Did you mean doctor?)' },
])('km $args says what is nearest', async ({ args, said }) => {
  const run = await runKm(args);
  expect(run).toMatchObject({ code: 2, stdout: '' });
  expect(run.stderr).toContain(said);
});

test.skipIf(!can('tmux', 'tmux', '-V'))('help fits into 40 columns', async () => {
  const screen = startOnScreen('km auth token --help', {
    env: environment(),
    columns: 40,
    rows: 60,
  });
  await screen.shows('Example:');
  const lines = screen.lines();
  expect(lines).toContain('  --min-valid <duration>');
  expect(lines).toContain('      good for at least this long, as in');
});
