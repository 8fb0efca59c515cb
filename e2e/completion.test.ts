import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { environment, runKm } from './support/km.js';
import { can } from './support/login-system.js';
import { startOnScreen } from './support/screen.js';
import { CTRL_C } from './support/terminal.js';
import { until } from './support/until.js';

/** Someone with two profiles, in an empty folder with one file. */
function someone(): Record<string, string> {
  const env = environment();
  const folder = join(env['HOME'] ?? '', '.config', 'kilometers');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), '{"profiles": {"default": {}, "work-of-mine": {}}}', {
    mode: 0o600,
  });
  const place = temporaryFolder();
  writeFileSync(join(place, 'a-file-here.log'), '');
  return {
    ...env,
    PLACE: place,
    LC_ALL: 'C.UTF-8',
    XDG_DATA_HOME: temporaryFolder(),
    XDG_CACHE_HOME: temporaryFolder(),
  };
}

const SHELLS = [
  {
    shell: 'bash',
    start: 'cd "$PLACE"; exec bash --noprofile --norc -i',
    teach: "PS1='ready> '; source <(km completion bash)",
  },
  {
    shell: 'zsh',
    start: 'cd "$PLACE"; exec zsh -f -i',
    teach: "PS1='ready> '; autoload -Uz compinit; compinit -u -D; source <(km completion zsh)",
  },
  {
    shell: 'fish',
    start: 'cd "$PLACE"; exec fish --no-config -i',
    teach: "function fish_prompt; echo -n 'ready> '; end; km completion fish | source",
  },
] as const;

describe.each(SHELLS)('in a real $shell', ({ shell, start, teach }) => {
  const isThere = can('tmux', 'tmux', '-V') && can(`completion in ${shell}`, shell, '--version');

  test.skipIf(!isThere)('the tab key completes commands, flags, profiles, scopes and files', async () => {
    const screen = startOnScreen(start, { env: someone() });
    screen.type(`${teach}; clear\r`);
    await screen.shows(/^ready>$/);
    // Each begins a new line, and leaves nothing to be run.
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
    for (const [keys, text] of cases) {
      for (const part of keys.split(/(?<=\t)/)) {
        screen.type(part);
        // Who types on while the shell still looks would be typing into something else.
        if (part !== keys) await screen.shows('km auth switch');
      }
      await screen.shows(text);
      // A shell that still draws what it found may miss it.
      await until('the line is empty again', () => {
        const isEmpty = screen.lines().findLast((line) => line !== '') === 'ready>';
        if (!isEmpty) screen.type(CTRL_C);
        return isEmpty;
      });
    }
  });
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
