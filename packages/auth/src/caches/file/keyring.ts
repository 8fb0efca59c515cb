import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AuthError } from '../../auth-error.js';
import { systemClock } from '../../clock.js';
import { scriptHost, type ScriptHost } from './script-host.js';

/** How long the OS keyring may take where a file would do as well, in milliseconds. A stalled one would block for ever. */
const PROBE_TIMEOUT_MS = 1_000;
/** How long it may take to find what only it has, in milliseconds: many programs at once start slowly. */
const SEARCH_TIMEOUT_MS = 10_000;

/** The OS keyring, asked in a process that can be killed. */
export interface Keyring {
  /**
   * The secret of this name; `undefined` when there is none, or no keyring that works.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when there may be one, and this program cannot ask it.
   */
  get(name: string): Promise<Buffer | undefined>;
  /** Stores a secret and proves it by reading it back. Whether that worked. */
  set(name: string, secret: Buffer): Promise<boolean>;
}

/** How the keyring is asked. */
export type KeyringOptions = {
  /** Of the process that asks it; on Linux `DBUS_SESSION_BUS_ADDRESS` says whether there is one. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Default: this machine's. */
  readonly platform?: NodeJS.Platform;
  /** The program that talks to the keyring. Default: `keyring-child.js` beside this file. */
  readonly childPath?: string;
  /** How long it may take to answer, in milliseconds. Default: 10 000 to find a secret, 1 000 to store one. */
  readonly timeoutMs?: number;
};

/** Without a session bus there is no Secret Service, and nothing to wait for. */
function hasBus(environment: KeyringOptions['environment'], platform: NodeJS.Platform): boolean {
  return platform !== 'linux' || (environment['DBUS_SESSION_BUS_ADDRESS'] ?? '') !== '';
}

/** The secret travels over pipes, never as an argument that other users could read. */
export function createKeyring(options: KeyringOptions): Keyring {
  return keyringIn(scriptHost(process), options);
}

/** As {@link createKeyring}, in a program that is run by `host`. */
export function keyringIn(host: ScriptHost, options: KeyringOptions): Keyring {
  const { environment, platform = process.platform, childPath } = options;
  const searches = new Map<string, Promise<Buffer | undefined>>();

  /** Why it cannot be asked, where it may be there. */
  function whyNot(program: string): string | undefined {
    if (host.isClosed)
      return 'a single executable application cannot start what asks it: let it keep its tokens in a folder of its own';
    return existsSync(program)
      ? undefined
      : `${program} is missing: where a program is bundled, put the file of that name from @kilometers/auth beside it, or name it as childPath of createKeyring`;
  }

  async function ask(request: unknown, timeoutMs: number): Promise<Buffer | undefined> {
    if (!hasBus(environment, platform)) return undefined;
    const program = childPath ?? fileURLToPath(new URL('./keyring-child.js', import.meta.url));
    const why = whyNot(program);
    if (why !== undefined) throw new AuthError('KM_AUTH_CACHE', `the OS keyring cannot be asked: ${why}`);
    return new Promise((resolve) => {
      // Loaded when it is needed: a hit on the cache never is.
      const { spawn } = process.getBuiltinModule('node:child_process');
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

  return {
    get(name) {
      const underWay = searches.get(name);
      if (underWay !== undefined) return underWay;
      const search = ask({ operation: 'get', name }, options.timeoutMs ?? SEARCH_TIMEOUT_MS).finally(() => {
        searches.delete(name);
      });
      searches.set(name, search);
      return search;
    },
    async set(name, secret) {
      const request = { operation: 'set', name, secret: secret.toString('hex') };
      // Where it cannot be asked another place will do.
      const stored = await ask(request, options.timeoutMs ?? PROBE_TIMEOUT_MS).catch(() => undefined);
      return stored?.equals(secret) === true;
    },
  };
}
