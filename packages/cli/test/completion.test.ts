import { describe, expect, test } from 'vitest';
import { completeWords } from '../src/completion/complete-words.js';
import { createProgram } from '../src/program.js';
import { contextWith } from './support/context.js';

const PROGRAM = createProgram(contextWith({}), () => undefined);

const LOOKUPS = {
  profiles: () => Promise.resolve(['default', 'work']),
  scopes: (profile: string | undefined) => Promise.resolve([`scope-of-${profile ?? 'the-active-one'}`]),
};

/** What may stand where the line ends. */
async function complete(line: string) {
  const { candidates, shellHas } = await completeWords(PROGRAM, line.split(' ').slice(1), LOOKUPS);
  return { values: candidates.map(({ value }) => value), shellHas };
}

describe('the words after km', () => {
  test.each([
    ['km mon', ['monitor']],
    ['km auth sta', ['status', 'stats']],
    ['km help auth lo', ['login', 'logout']],
    ['km auth status --w', ['--watch']],
    ['km auth status --json --j', []],
    ['km auth login --scope a --sc', ['--scope']],
    ['km auth token --scope a --sc', ['--scope']],
    ['km auth token --format ', ['raw', 'header', 'dpop-header', 'json', 'k8s', 'aws', 'git', 'docker']],
    ['km auth token --format=js', ['--format=json']],
    ['km auth token --format=raw --scope=scope-', ['--scope=scope-of-the-active-one']],
    ['km auth token --format git ', ['get', 'store', 'erase']],
    ['km auth token ', []],
    ['km auth token --profile ', ['default', 'work']],
    ['km auth token --profile=w', ['--profile=work']],
    ['km auth token --profile work --scope ', ['scope-of-work']],
    ['km auth token --profile=work --scope ', ['scope-of-work']],
    ['km auth token --scope ', ['scope-of-the-active-one']],
    ['km auth switch ', ['default', 'work']],
    ['km auth switch work ', []],
    ['km auth exec --refresh-signal U', ['USR1', 'USR2']],
    ['km monitor --print-config c', ['claude', 'cursor']],
    ['km completion ', ['bash', 'zsh', 'fish']],
    ['km __comp', []],
    ['km no-such thing ', []],
  ])('%s', async (line, values) => {
    expect(await complete(line)).toEqual({ values, shellHas: 'nothing' });
  });

  test.each([
    ['km monitor --server -- no', 'commands'],
    ['km monitor no', 'commands'],
    ['km monitor --server -- node server', 'files'],
    ['km auth exec -- node --profile ', 'files'],
    ['km monitor --log ', 'files'],
    ['km auth exec --token-file /r', 'files'],
  ])('%s is for the shell: %s', async (line, shellHas) => {
    expect(await complete(line)).toEqual({ values: [], shellHas });
  });
});
