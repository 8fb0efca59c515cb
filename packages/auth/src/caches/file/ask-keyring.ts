import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AuthError } from '../../auth-error.js';
import { systemClock } from '../../clock.js';
import { scriptHost, type ScriptHost } from './script-host.js';

/** What the program that talks to the keyring is asked. */
export type KeyringRequest = {
  readonly operation: 'get' | 'set';
  readonly name: string;
  /** In hex. */
  readonly secret?: string;
};

/** How it is asked. */
export type Asking = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly childPath: string | undefined;
  readonly timeoutMs: number;
  /** Default: what runs this program. */
  readonly host: ScriptHost | undefined;
};

/** Why the keyring cannot be asked, though it may be there. */
function whyNot(host: ScriptHost, program: string): string | undefined {
  if (host.isClosed)
    return 'a single executable application cannot start what asks it: let it keep its tokens in a folder of its own';
  return existsSync(program)
    ? undefined
    : `${program} is missing: where a program is bundled, put the file of that name from @kilometers/auth beside it, or name it as childPath of createKeyring`;
}

/**
 * What the OS keyring answers; `undefined` where it does not, or not in time.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` where this program cannot ask it.
 */
export async function askKeyring(request: KeyringRequest, asking: Asking): Promise<Buffer | undefined> {
  const { environment, childPath, timeoutMs, host = scriptHost(process) } = asking;
  const program = childPath ?? fileURLToPath(new URL('./keyring-child.js', import.meta.url));
  const why = whyNot(host, program);
  if (why !== undefined) throw new AuthError('KM_AUTH_CACHE', `the OS keyring cannot be asked: ${why}`);
  const { spawn } = process.getBuiltinModule('node:child_process');
  return new Promise((resolve) => {
    // Where the process has no file descriptor left it gets none of the pipes, and is told of that later.
    const child: ChildProcess = spawn(process.execPath, [program], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...environment, ...host.environment },
    });
    // Its `timeout` would keep this process up also where there is no child.
    const cancel = systemClock.schedule(() => child.kill('SIGKILL'), timeoutMs, false);
    const answer = (secret: Buffer | undefined): void => {
      cancel();
      resolve(secret);
    };
    child.on('error', () => {
      answer(undefined);
    });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('close', (code) => {
      const secret = Buffer.from(Buffer.concat(chunks).toString('latin1'), 'hex');
      answer(code === 0 && secret.length > 0 ? secret : undefined);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(JSON.stringify(request));
  });
}
