import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { environment, runKm } from './support/km.js';
import { can } from './support/login-system.js';
import { codeBlocks } from './support/markdown.js';
import { ODD_SECRET, service } from './support/oauth-clients.js';
import { at } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';
import { startOnScreen } from './support/screen.js';
import { CTRL_C } from './support/terminal.js';
import { LIMIT_MS, SELDOM_MS, until } from './support/until.js';

/** Someone with two profiles, in a folder with two files. */
function someone(): Record<string, string> {
  const env = environment();
  const folder = join(env['HOME'] ?? '', '.config', 'kilometers');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), '{"profiles": {"default": {}, "work-of-mine": {}}}', {
    mode: 0o600,
  });
  const place = temporaryFolder();
  writeFileSync(join(place, 'a-file-here.log'), '');
  writeFileSync(join(place, 'a-name:with-a-colon'), '');
  return {
    ...env,
    PLACE: place,
    LC_ALL: 'C.UTF-8',
    XDG_DATA_HOME: temporaryFolder(),
    XDG_CACHE_HOME: temporaryFolder(),
  };
}

/** The line of the README that teaches this shell; its comment is for the reader. */
function asTheReadmeSays(shell: string): string {
  const said = codeBlocks('packages/cli/README.md', 'bash').map(({ text }) => text);
  return new RegExp(`^.*km completion ${shell}[^#\\n]*`, 'm').exec(said.join('\n'))?.[0].trim() ?? '';
}

const SHELLS = [
  {
    shell: 'bash',
    start: 'cd "$PLACE"; exec bash --noprofile --norc -i',
    teach: `PS1='ready> '; ${asTheReadmeSays('bash')}`,
  },
  {
    shell: 'zsh',
    start: 'cd "$PLACE"; exec zsh -f -i',
    teach: `PS1='ready> '; autoload -Uz compinit; compinit -u -D; ${asTheReadmeSays('zsh')}`,
  },
  {
    shell: 'fish',
    // A fish that never ran makes completions of all manual pages, behind, and still does when the test has ended.
    start: 'cd "$PLACE"; mkdir -p "$XDG_DATA_HOME/fish/generated_completions"; exec fish -i',
    teach: `function fish_prompt; echo -n 'ready> '; end; ${asTheReadmeSays('fish')}`,
  },
] as const;

/** What is typed, and what the line then has. */
type Case = readonly [keys: string, text: string];

describe.each(SHELLS)('in a real $shell', ({ shell, start, teach }) => {
  const isThere = can('tmux', 'tmux', '-V') && can(`completion in ${shell}`, shell, '--version');

  /** Types each on a new line, and leaves nothing to be run. */
  async function tryOut(cases: readonly Case[], env: Record<string, string>): Promise<void> {
    const screen = startOnScreen(start, { env });
    screen.type(`${teach}; clear\r`);
    await screen.shows(/^ready>$/);
    for (const [keys, text] of cases) {
      for (const part of keys.split(/(?<=\t)/)) {
        screen.type(part);
        // Who types on while the shell still looks would be typing into something else.
        if (part !== keys) await screen.shows('km auth switch');
      }
      await screen.shows(text);
      // A shell that still draws what it found may miss it.
      const isEmptyAgain = (): boolean => {
        const isEmpty = screen.lines().findLast((line) => line !== '') === 'ready>';
        if (!isEmpty) screen.type(CTRL_C);
        return isEmpty;
      };
      await until('the line is empty again', isEmptyAgain, LIMIT_MS, SELDOM_MS);
    }
  }

  test.skipIf(!isThere)('the tab key completes commands, flags, profiles, scopes and files', async () => {
    const cases = [
      ['km mon\t', 'km monitor'],
      ['km auth swi\two\t', 'km auth switch work-of-mine'],
      ['km doctor --j\t', 'km doctor --json'],
      ['km auth token --profile wor\t', '--profile work-of-mine'],
      ['km auth token --format=he\t', '--format=header'],
      ['km auth token --scope moni\t', '--scope monitoring'],
      ['km monitor --log a-fi\t', '--log a-file-here.log'],
      ['km monitor --server -- mkdi\t', '-- mkdir'],
    ] as const;
    await tryOut(cases, someone());
  });

  test.skipIf(!isThere)(
    'the tab key completes words with a colon, an at sign and an equals sign',
    async () => {
      const env = someone();
      const server = await startOAuthServer({ clients: [service('client_secret_basic')] });
      const login = [...at(server, 'service'), '--client-secret-stdin', '--scope', 'read:org'];
      await runKm(['auth', 'login', '--profile', 'me@work', ...login], { env, input: ODD_SECRET });
      await runKm(['auth', 'token', '--profile', 'me@work', '--scope', 'read:org'], { env });
      const cases = [
        ['km auth switch me@wo\t', 'km auth switch me@work'],
        ['km auth token --profile=me@\t', '--profile=me@work'],
        ['km auth token --profile me@work --scope read:or\t', '--scope read:org'],
        ['km auth token --profile=me@work --scope=read:\t', '--scope=read:org'],
        ['km auth token --profile me@work --form\t', '--format'],
        ['km monitor --log=a-fi\t', '--log=a-file-here.log'],
        ['km auth exec -- ls a-name:wi\t', 'with-a-colon'],
        ['true; km  auth switch  me@wo\t', 'km  auth switch  me@work'],
      ] as const;
      await tryOut(cases, env);
    },
  );
});

describe('km completion', () => {
  test('without a shell, or with another one, says which there are', async () => {
    const none = await runKm(['completion']);
    expect(none).toMatchObject({ code: 2, stdout: '' });
    const other = await runKm(['completion', 'tcsh']);
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toContain('bash, zsh, fish');
  });

  test('completes with a broken config.json as well, and says nothing of it', async () => {
    const env = environment({ KM_CONFIG_DIR: temporaryFolder() });
    writeFileSync(join(env['KM_CONFIG_DIR'] ?? '', 'config.json'), 'garbage');
    const run = await runKm(['__complete', '--', 'auth', 'token', '--profile', ''], { env });
    expect(run).toMatchObject({ code: 0, stdout: ':nothing\n', stderr: '' });
  });
});
