import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { environment, monitoring, runKm } from './support/km.js';

describe('bad input', () => {
  const oneLine = /^km: [^\n]+\n$/;

  test.each([
    ['an unknown option', ['monitor', '--sever', '--', 'true'], 2, '(Did you mean --server?)'],
    ['one before a server with flags of its own', ['monitor', '--sumary', '--', 'true', '-h'], 2, '--sumary'],
    [
      'one before a command with flags of its own',
      ['auth', 'exec', '--scoop', '--', 'true', '--help'],
      2,
      '--scope',
    ],
    ['an unknown command', ['monitr'], 2, '(Did you mean monitor?)'],
    ['an unknown command of a group', ['auth', 'tokn'], 2, '(Did you mean token?)'],
    ['an unknown option of km itself', ['--sever'], 2, "unknown option '--sever'; see km --help"],
    ['an unknown command that is like none', ['auth', 'zzz'], 2, "unknown command 'zzz'; see km --help"],
    ['an argument too many', ['auth', 'token', 'monitoring'], 2, 'see km auth token --help'],
    ['an option without its value', ['auth', 'token', '--scope'], 2, 'see km --help'],
    ['nothing after --', ['monitor', '--server', '--'], 2, 'usage: km monitor --server -- COMMAND'],
    ['no server at all', ['monitor'], 2, 'usage: km monitor --server -- COMMAND'],
    ['a server without a name', ['monitor', '--', ''], 2, 'usage: km monitor --server -- COMMAND'],
    [
      'a server that does not exist',
      ['monitor', '--', 'no-such-server'],
      127,
      '"no-such-server" was not found',
    ],
    [
      'a server that may not be run',
      ['monitor', '--', fileURLToPath(import.meta.url)],
      126,
      'may not be executed',
    ],
    ['an endpoint that is not a URL', ['monitor', '--endpoint', 'nowhere', '--', 'true'], 2, 'is not a URL'],
    ['a log that cannot be written', ['monitor', '--log', '/no/such/folder/log', '--', 'true'], 1, '--log'],
    ['a server that crashes at once', monitoring('process.exit(3)'), 3, 'exit code 3'],
    ['a duration that is none', ['auth', 'token', '--min-valid', 'soon'], 2, '--min-valid'],
    ['a duration that is too long', ['auth', 'token', '--offline-lifetime', '31d'], 2, 'up to 30d'],
    ['a life that helps nobody', ['auth', 'token', '--offline-lifetime', '8h', '--format', 'aws'], 2, 'aws'],
    ['an API key that is empty', ['auth', 'login', '--api-key', ''], 2, '--api-key is empty'],
    ['an API key that is given twice', ['auth', 'login', '--api-key', 'k', '--api-key-stdin'], 2, 'not both'],
    ['a profile of no name', ['auth', 'logout', '--profile', ''], 2, 'is not a profile name'],
    [
      'a profile of no name for a server',
      ['monitor', '--profile', '', '--', 'true'],
      2,
      'not a profile name',
    ],
    [
      'an endpoint that is not a URL for a client',
      ['monitor', '--print-config', 'claude', '--endpoint', 'nowhere', '--', 'true'],
      2,
      'is not a URL',
    ],
    ['a format that is none', ['auth', 'token', '--format', 'xml'], 2, 'raw, header, dpop-header, json'],
    ['an endpoint that is plain http', ['auth', 'token', '--endpoint', 'http://example.com'], 1, 'use https'],
    ['a token that lives for no second', ['dev', '--token-ttl', '10ms'], 2, 'from 1s to 30d'],
    ['a port that is none', ['dev', '--port', '70000'], 2, '65535'],
    ['trouble that cannot be read', ['dev', '--port', '0', '--fail', 'stat=1'], 2, 'status='],
  ])('%s: one clear line and the right exit code', async (_, args, code, words) => {
    const run = await runKm(args);
    expect(run).toMatchObject({ code, signal: null, stdout: '' });
    expect(run.stderr).toMatch(oneLine);
    expect(run.stderr).toContain(words);
  });

  test.each(['true', '1'])('KM_DEBUG=%s shows where it came from', async (yes) => {
    const { stderr } = await runKm(['monitor', '--', 'no-such-server'], {
      env: environment({ KM_DEBUG: yes }),
    });
    expect(stderr).toMatch(/\n\s+at /);
  });

  test.each([[[]], [['auth']]])('%j alone shows the help, as gh and kubectl do', async (args) => {
    const run = await runKm(args);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toContain('Usage: km');
  });

  test.each([
    [['--help']],
    [['monitor', '--help']],
    [['auth', '--help']],
    [['auth', 'token', '-h']],
    [['dev', '--help']],
  ])('%j prints help with an example', async (args) => {
    const run = await runKm(args);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/Usage: km[^]*Example:\n {2}\$ .*km /);
  });

  test('--version prints the version', async () => {
    expect((await runKm(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
