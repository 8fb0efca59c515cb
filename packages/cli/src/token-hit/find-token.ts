import {
  configFolder,
  createFileCache,
  DEFAULT_SCOPE,
  dueAtMs,
  isUsable,
  refreshSettings,
  scopeKey,
  type CacheNotice,
  type Clock,
} from '@kilometers/auth';
import { grantOfAccount } from '../grant-of-account.js';
import { resolveAccount } from '../settings.js';
import { printToken } from '../token-format/print-token.js';
import type { PlainTokenFlags } from './plain-token-flags.js';

export type HitOptions = {
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly random: () => number;
  /** Is told what was repaired. */
  readonly tell: (message: string) => void;
};

/** Whoever has to ask the OS keyring needs more than a hit brings. */
const NO_KEYRING = {
  get: () => Promise.reject(new Error('not here')),
  set: () => Promise.resolve(false),
};

/**
 * What `km auth token` prints where a token is at hand that needs nothing done: in the shared files, good, and not due.
 * `undefined` where it takes more than that, be it only words.
 */
export async function findToken(flags: PlainTokenFlags, options: HitOptions): Promise<string | undefined> {
  const { environment, clock, random } = options;
  const folder = configFolder(environment);
  const isElsewhere = ['KM_NO_TOKEN_CACHE', 'KM_CACHE_URL'].some((name) => (environment[name] ?? '') !== '');
  const mayRead = !isElsewhere && environment['KM_DEBUG'] !== 'true';
  if (folder === undefined || !mayRead) return undefined;
  const files = createFileCache({ folder, environment, clock, random, keyring: NO_KEYRING });
  const notices: CacheNotice[] = [];
  files.subscribe?.((notice) => notices.push(notice));

  const account = await resolveAccount(flags, environment, files.logins);
  if (account.note !== undefined) return undefined;
  const { refreshAheadMs } = refreshSettings(account.config);
  const { key, keySuffix } = grantOfAccount(account);
  const scope = scopeKey(flags.scope ?? DEFAULT_SCOPE) + keySuffix;
  const token = (await files.getTokens(key)).get(scope);
  const nowMs = clock.nowMs();
  const isHit =
    token !== undefined &&
    isUsable(token, nowMs) &&
    nowMs < dueAtMs(token, refreshAheadMs, random()) &&
    token.remainingMs(nowMs) >= (flags.minValid ?? 0);
  if (!isHit || notices.some(({ kind }) => kind !== 'repaired')) return undefined;
  const text = printToken(token, flags.format, { nowMs, refreshAheadMs }, environment);
  // It is in order by now, so nobody else would tell.
  for (const { message } of notices) options.tell(message);
  return text;
}
