import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, accountAt, environment, runKm, startKm } from './support/km.js';
import { can } from './support/login-system.js';
import { codeBlocks } from './support/markdown.js';
import { flawsBySchema } from './support/schema.js';
import { startOnScreen } from './support/screen.js';
import { startOnTerminal, tooWide } from './support/terminal.js';

/** What each command line needs to be whole, where it needs more than its name. */
const OPERANDS: Readonly<Record<string, readonly string[]>> = {
  'auth exec': ['--', 'true'],
  'auth switch': ['default'],
  completion: ['bash'],
  dev: ['--port', '0'],
  monitor: ['--local', '--', 'true'],
};

type Documented = { readonly name: string; readonly words: readonly string[]; readonly help: string };

/** Every command that does something, from the page that is held to what km prints. */
const COMMANDS: readonly Documented[] = codeBlocks('docs/cli.md', 'text').flatMap(({ text }) => {
  const [, name] = /^\$ km (.+) --help\n/.exec(text) ?? [];
  if (name === undefined || text.includes('\nCommands:\n')) return [];
  return [{ name, words: [...name.split(' '), ...(OPERANDS[name] ?? [])], help: text }];
});

/** An account whose API can be reached, with a token and a configuration. */
async function account(): Promise<Record<string, string>> {
  const api = await startApi();
  const env = accountAt(api.url);
  mkdirSync(join(env['HOME'] ?? '', '.config', 'kilometers'), { recursive: true, mode: 0o700 });
  await runKm(['auth', 'token'], { env });
  return env;
}

const QUICK_TIMERS = fileURLToPath(new URL('support/quick-timers.cjs', import.meta.url));

/** They serve until they are stopped. */
const SERVING = ['dev', 'dashboard'];

describe('without a terminal', () => {
  test('no command waits for somebody whose input never ends', async () => {
    const env = await account();
    const ending = COMMANDS.filter(({ name }) => !SERVING.includes(name));
    await Promise.all(
      ending.map(async ({ name, words }) => {
        const { code, signal } = await startKm(words, env).ended;
        expect(signal, name).toBeNull();
        expect([0, 1, 2, 75], name).toContain(code);
      }),
    );
  });

  test.each([
    ['auth login --api-key-stdin', 'API key', 'give it as one line, as in --api-key-stdin < FILE'],
    ['auth login --client-id c --client-secret-stdin', 'client secret', 'as in --client-secret-stdin < FILE'],
    ['auth token --format git get', 'request', 'git writes it there'],
    ['auth token --format docker get', 'request', 'docker writes it there'],
  ])('km %s waits for 30 s for what a pipe should bring', async (line, what, remedy) => {
    const env = { ...(await account()), NODE_OPTIONS: `--require=${QUICK_TIMERS}` };
    const km = startKm(line.split(' '), env);
    expect(await km.ended).toEqual({ code: 2, signal: null });
    expect(km.stderr()).toMatch(new RegExp(`^km: no ${what} came on standard input within 30 s: [^\n]*\n$`));
    expect(km.stderr()).toContain(remedy);
  });

  test('what would ask says what to give instead', async () => {
    const env = environment();
    for (const words of [
      ['auth', 'login'],
      ['auth', 'switch'],
    ]) {
      const km = startKm(words, env);
      expect(await km.ended).toMatchObject({ code: 2 });
      expect(km.stderr()).toMatch(/^km: say (how to log in|which profile): /);
    }
  });
});

test('every command refuses a flag that it has not', async () => {
  await Promise.all(
    COMMANDS.map(async ({ name }) => {
      const { code, stdout, stderr } = await runKm([...name.split(' '), '--no-such-flag']);
      expect({ code, stdout }, name).toEqual({ code: 2, stdout: '' });
      expect(stderr, name).toMatch(/^km: unknown option '--no-such-flag'[^\n]*\n$/);
    }),
  );
});

test('every --json is as its schema has it, and whatever reports has one', async () => {
  const env = await account();
  const reporting = COMMANDS.filter(({ help }) => /^ {2}--json /m.test(help));
  for (const { name, words } of reporting) {
    const { stdout } = await runKm([...words, '--json'], { env });
    expect(flawsBySchema(name.replace(' ', '-'), stdout), name).toEqual([]);
  }
  const names = reporting.map(({ name }) => name);
  const auth = ['auth profiles', 'auth refresh', 'auth stats', 'auth status'];
  const others = ['doctor', 'plugins list', 'queue clear', 'queue flush', 'queue status'];
  expect(names).toEqual(expect.arrayContaining([...auth, ...others]));
});

describe('on a terminal', () => {
  const NARROW = [
    ['auth', 'status'],
    ['auth', 'profiles'],
    ['auth', 'stats'],
    ['queue', 'status'],
    ['plugins', 'list'],
  ];

  test.each(NARROW)('of 40 columns km %s %s has no wider line, unless a word is', async (...words) => {
    const env = { ...(await account()), KM_PROFILE: 'default' };
    const terminal = startOnTerminal(words, { env, columns: 40 });
    expect(await terminal.ended).toMatchObject({ code: 0 });
    expect(tooWide(terminal, 40)).toEqual([]);
  });

  test.skipIf(!can('tmux', 'tmux', '-V'))(
    'what takes long is seen to go on, and leaves only its answer',
    async () => {
      const api = await startApi({ trouble: ['path=/api/auth/token,latency=6s,count=1'] });
      const screen = startOnScreen('km auth token --format header', {
        env: accountAt(api.url),
        columns: 40,
        rows: 60,
      });
      await screen.shows(/^[-\\|/] getting a token \(\d.* s\)$/);
      await screen.shows(/^Authorization: Bearer /);
      expect(screen.lines().filter((line) => line.includes('getting a token'))).toEqual([]);
      expect(screen.lines()[0]).toMatch(/^Authorization: Bearer /);
    },
  );

  test.each([{ CI: 'true' }, { NO_COLOR: '1' }, { TERM: 'dumb' }])(
    'there is no colour with %o',
    async (variables) => {
      const env = { ...(await account()), ...variables };
      const terminal = startOnTerminal(['auth', 'status'], { env });
      expect(await terminal.ended).toMatchObject({ code: 0 });
      expect(terminal.raw()).not.toContain('\u001b[');
    },
  );

  test('there is colour where nothing speaks against it, and none in a pipe', async () => {
    const env = await account();
    const terminal = startOnTerminal(['auth', 'status'], { env });
    await terminal.ended;
    expect(terminal.raw()).toContain('\u001b[1mdefault\u001b[22m');
    expect((await runKm(['auth', 'status'], { env })).stdout).not.toContain('\u001b[');
  });
});

test('a broken config.json is told with line and column by every command that reads it', async () => {
  const env = environment({ KILOMETERS_API_KEY: API_KEY });
  const folder = join(env['HOME'] ?? '', '.config', 'kilometers');
  mkdirSync(folder, { recursive: true });
  const text = '{\n  "profiles": {,}\n}';
  writeFileSync(join(folder, 'config.json'), text, { mode: 0o600 });
  for (const words of [
    ['auth', 'status'],
    ['auth', 'token'],
    ['auth', 'profiles'],
    ['auth', 'logout'],
    ['init'],
  ]) {
    const { code, stderr } = await runKm(words, { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(/config\.json:2:16: /);
  }
});
