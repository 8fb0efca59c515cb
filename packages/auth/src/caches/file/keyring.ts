import { lazily } from '../../lazily.js';
import type { KeyringRequest } from './ask-keyring.js';
import type { ScriptHost } from './script-host.js';

/** Most processes find their token without it. */
const loadAsking = lazily(() => import('./ask-keyring.js'));

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
  return keyringIn(undefined, options);
}

/** As {@link createKeyring}, in a program that is run by `host`; `undefined`: as this one is. */
export function keyringIn(host: ScriptHost | undefined, options: KeyringOptions): Keyring {
  const { environment, platform = process.platform, childPath } = options;
  const searches = new Map<string, Promise<Buffer | undefined>>();

  async function ask(request: KeyringRequest, timeoutMs: number): Promise<Buffer | undefined> {
    if (!hasBus(environment, platform)) return undefined;
    const { askKeyring } = await loadAsking();
    return askKeyring(request, { environment, childPath, timeoutMs, host });
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
      const request = { operation: 'set', name, secret: secret.toString('hex') } as const;
      // Where it cannot be asked another place will do.
      const stored = await ask(request, options.timeoutMs ?? PROBE_TIMEOUT_MS).catch(() => undefined);
      return stored?.equals(secret) === true;
    },
  };
}
