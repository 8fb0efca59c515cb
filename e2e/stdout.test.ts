import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, environment, KM, runKm, start } from './support/km.js';
import { can } from './support/login-system.js';

const hasFullDevice = can('a full disk behind stdout', 'test', '-c', '/dev/full');
const WHY = 'km: the answer cannot be written to stdout: ENOSPC: no space left on device, write; make room';

/** Runs `km` with its stdout redirected by the shell, as in `> /dev/full`. */
async function runRedirected(redirection: string, args: readonly string[], env = environment()) {
  const km = start('sh', ['-c', `"$0" "$@" ${redirection}`, process.execPath, KM, ...args], env);
  return { ...(await km.ended), stderr: km.stderr() };
}

describe.skipIf(!hasFullDevice)(
  'an answer that cannot be written is a failure, and one line says why',
  () => {
    test.each([
      'auth profiles',
      'auth status',
      'auth status --json',
      'auth status --watch --json',
      'auth stats',
      'queue status',
      'doctor --json',
      'completion bash',
      '--version',
      '--help',
      'auth --help',
      'auth token --help',
      'help auth token',
      'auth',
    ])('km %s', async (line) => {
      const run = await runRedirected('> /dev/full', line.split(' '));
      expect(run).toMatchObject({ code: 1, signal: null });
      expect(run.stderr).toMatch(new RegExp(`^${WHY}[^\n]*\n$`));
    });

    test('km auth token, with a token that is new and with one at hand', async () => {
      const api = await startApi();
      const env = accountAt(api.url);
      const fresh = await runRedirected('> /dev/full', ['auth', 'token'], env);
      await api.close();
      const atHand = await runRedirected('> /dev/full', ['auth', 'token'], env);
      for (const run of [fresh, atHand]) {
        expect(run).toMatchObject({ code: 1, signal: null });
        expect(run.stderr).toMatch(new RegExp(`^${WHY}[^\n]*\n$`));
      }
      expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0 });
    });

    test('also where stderr is full as well', async () => {
      const api = await startApi();
      const env = accountAt(api.url);
      await runKm(['auth', 'token'], { env });
      for (const line of ['auth token', 'auth profiles', '--help']) {
        expect(await runRedirected('> /dev/full 2>&1', line.split(' '), env)).toMatchObject({
          code: 1,
          signal: null,
        });
      }
    });

    test('help in a file that may not grow', async () => {
      const file = join(temporaryFolder(), 'help.txt');
      writeFileSync(file, '');
      const limited = `trap '' XFSZ; ulimit -f 0; "$0" "$@" > '${file}'`;
      const km = start('sh', ['-c', limited, process.execPath, KM, '--help'], environment());
      expect(await km.ended).toMatchObject({ code: 1 });
      expect(km.stderr()).toMatch(/^km: the answer cannot be written to stdout: EFBIG: [^\n]+\n$/);
    });
  },
);

describe('a reader that went away is no failure', () => {
  test.each(['auth profiles', 'completion bash', '--version', '--help', 'auth token --help'])(
    'km %s',
    async (line) => {
      // km begins once nothing can be written any more.
      const gone = `exec 3>&1; { trap '' PIPE; while echo; do :; done 2> /dev/null; "$0" "$@"; echo $? >&3; } | true`;
      const km = start('sh', ['-c', gone, process.execPath, KM, ...line.split(' ')], environment());
      expect(await km.ended).toMatchObject({ code: 0 });
      expect(km.stdout().toString()).toBe('0\n');
      expect(km.stderr()).toBe('');
    },
  );
});
