import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { homeFolder } from '../home-folder.js';

/** The variables that say where things are. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where `km` keeps what it can do without: `kilometers` in `XDG_STATE_HOME`, `state` in `KM_CONFIG_DIR`, or
 * `~/.local/state/kilometers`. `undefined` when this user has no home.
 */
export function stateRoot(environment: Environment): string | undefined {
  const shared = environment['XDG_STATE_HOME'] ?? '';
  if (shared !== '') return join(shared, 'kilometers');
  const own = environment['KM_CONFIG_DIR'] ?? '';
  if (own !== '') return join(own, 'state');
  const home = homeFolder(environment);
  return home === undefined ? undefined : join(home, '.local', 'state', 'kilometers');
}

/** There, the folder of `part`. */
export function stateFolder(environment: Environment, part: 'queue' | 'analytics'): string | undefined {
  const root = stateRoot(environment);
  return root === undefined ? undefined : join(root, part);
}

/** Where the queue is; `undefined` when this user has no home. */
export function queueFolder(environment: Environment): string | undefined {
  return stateFolder(environment, 'queue');
}

/** Whose events are in a part of the queue. */
export type QueueAccount = {
  readonly profile: string;
  /** The API that may have them; `undefined` while nobody is logged in and nothing says where to. */
  readonly origin: string | undefined;
};

/**
 * The name of an account's part of the queue: it tells nothing of the account. Another configuration folder has another
 * key, and so its own parts.
 */
export function accountFolderName({ profile, origin }: QueueAccount, configFolder: string): string {
  const text = JSON.stringify([profile, origin ?? null, resolve(configFolder)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/**
 * The name of the part for what is captured while the settings cannot be read, and so the account cannot be told: whoever
 * is started in the same way, once they can, takes it.
 */
export function unsettledFolderName(
  flags: { readonly profile?: string; readonly endpoint?: string },
  environment: Environment,
  configFolder: string,
): string {
  const { profile, endpoint } = flags;
  const said = [profile, environment['KM_PROFILE'], endpoint, environment['KILOMETERS_API_ENDPOINT']];
  return accountFolderName({ profile: JSON.stringify(said), origin: 'unsettled' }, configFolder);
}
