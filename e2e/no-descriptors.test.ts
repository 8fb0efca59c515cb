import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { age, DUE_MS } from './support/age.js';
import { startApi } from './support/api.js';
import { accountAt, environment, KM, runKm, start } from './support/km.js';

const PRELOAD = fileURLToPath(new URL('./support/no-descriptors.cjs', import.meta.url));

/** Runs a program of Node's that has no file descriptor left wherever it starts another. */
async function runWithout(args: readonly string[], env: Record<string, string>) {
  const program = ['-c', 'ulimit -n 256; exec "$0" "$@"', process.execPath, '--require', PRELOAD];
  const run = start('sh', [...program, ...args], env);
  run.child.stdin.end();
  const ending = await run.ended;
  return { ...ending, stdout: run.stdout().toString(), stderr: run.stderr() };
}

const ASKING = `
  import { createKeyring } from '@kilometers/auth';
  const keyring = createKeyring({ environment: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/x' } });
  const got = await keyring.get('x');
  console.log(JSON.stringify([got ?? null, await keyring.set('x', Buffer.from('y'))]));
`;

describe.skipIf(process.platform === 'win32')('a process that has no file descriptor left', () => {
  test('has no keyring, and goes on', async () => {
    const args = ['--input-type=module', '--eval', ASKING];
    expect(await runWithout(args, environment())).toEqual({
      ...{ code: 0, signal: null },
      ...{ stdout: '[null,false]\n', stderr: '' },
    });
  });

  test('prints the token at hand, where it can start nobody to refresh it', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const { stdout } = await runKm(['auth', 'token'], { env });
    await age(env, DUE_MS);
    expect(await runWithout([KM, 'auth', 'token'], env)).toEqual({
      ...{ code: 0, signal: null },
      ...{ stdout, stderr: '' },
    });
  });
});
