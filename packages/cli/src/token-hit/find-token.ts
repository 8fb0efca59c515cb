import {
  configFolder,
  createFileCache,
  DEFAULT_SCOPE,
  refreshSettings,
  scopeKey,
  type CacheNotice,
  type Clock,
  type FileCache,
} from '@kilometers/auth';
import { grantOfAccount } from '../grant-of-account.js';
import { isKeptElsewhere } from '../kept-elsewhere.js';
import { saysYes } from '../says-yes.js';
import { resolveAccount } from '../settings.js';
import { printToken } from '../token-format/print-token.js';
import type { PlainTokenFlags } from './plain-token-flags.js';
import { tokenAtHand } from './token-at-hand.js';

export type HitOptions = {
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly random: () => number;
  /** Is told what was repaired. */
  readonly tell: (message: string) => void;
  /** Whether somebody watches, who is to see that something takes long. */
  readonly isWatched: () => boolean;
};

/** Whoever has to ask the OS keyring needs more than a hit brings. */
const NO_KEYRING = {
  get: () => Promise.reject(new Error('not here')),
  set: () => Promise.resolve(false),
};

/**
 * What `km auth token` prints where a token is at hand that needs nothing done: in the shared files, good, and not due, or
 * about to be put there by another process. `undefined` where it takes more than that, be it only words.
 */
export async function findToken(flags: PlainTokenFlags, options: HitOptions): Promise<string | undefined> {
  const { environment, clock, random } = options;
  const folder = configFolder(environment);
  const mayRead = !isKeptElsewhere(environment) && !saysYes(environment['KM_DEBUG']);
  if (folder === undefined || !mayRead) return undefined;
  const files = createFileCache({ folder, environment, clock, random, keyring: NO_KEYRING });
  const notices: CacheNotice[] = [];
  files.subscribe?.((notice) => notices.push(notice));
  try {
    return await tokenIn(files, flags, options, notices);
  } finally {
    // It is in order by now, so nobody else would tell, wherever the token comes from.
    for (const { kind, message } of notices) if (kind === 'repaired') options.tell(message);
  }
}

async function tokenIn(
  files: FileCache,
  flags: PlainTokenFlags,
  { environment, clock, random, isWatched }: HitOptions,
  notices: readonly CacheNotice[],
): Promise<string | undefined> {
  const account = await resolveAccount(flags, environment, files.logins);
  if (account.note !== undefined) return undefined;
  const settings = refreshSettings(account.config);
  const { key, keySuffix } = grantOfAccount(account);
  const scope = scopeKey(flags.scope ?? DEFAULT_SCOPE) + keySuffix;
  const { minValid: minValidMs = 0 } = flags;
  const wanted = { files, key, scope, minValidMs, settings, clock, random };
  const token = await tokenAtHand(wanted, () => !flags.mayBeOver && !isWatched());
  if (token === undefined || notices.some(({ kind }) => kind !== 'repaired')) return undefined;
  const { refreshAheadMs } = settings;
  return printToken(token, flags.format, { nowMs: clock.nowMs(), refreshAheadMs }, environment);
}
