import {
  dueAtMs,
  isAuthError,
  type AuthToken,
  type Clock,
  type FileCache,
  type GrantKey,
  type RefreshSettings,
} from '@kilometers/auth';
import { goodToken } from '../good-token.js';

/** A token, and when it will do. */
export type WantedToken = {
  readonly files: FileCache;
  readonly key: GrantKey;
  /** The token's key: its scope, and its target where it has one. */
  readonly scope: string;
  readonly minValidMs: number;
  readonly settings: Pick<RefreshSettings, 'refreshAheadMs' | 'refreshDeadlineMs'>;
  readonly clock: Clock;
  readonly random: () => number;
};

/** How long a token is waited for that another process obtains, in milliseconds. All of `km` waits longer. */
const OTHER_WAIT_MS = 10_000;

/**
 * The token where it is stored, good, and not due; or where another process obtains it just now: of many that find it over
 * at the same time, the one that refreshes needs all of `km`, and the others need only wait.
 *
 * @param mayWait asked when the token is not there yet.
 */
export async function tokenAtHand(
  wanted: WantedToken,
  mayWait: () => boolean,
): Promise<AuthToken | undefined> {
  const token = await storedToken(wanted);
  const fresh = freshToken(token, wanted);
  if (fresh !== undefined) return fresh;
  if (!mayWait()) return undefined;
  return tokenOfOther(wanted, token === undefined ? OTHER_WAIT_MS : wanted.settings.refreshDeadlineMs);
}

async function storedToken(wanted: WantedToken): Promise<AuthToken | undefined> {
  const { files, key, scope, minValidMs, clock } = wanted;
  const token = (await files.getTokens(key)).get(scope);
  return goodToken(token, { minValidMs, nowMs: clock.nowMs() });
}

/** `token`, where it is not due. */
function freshToken(
  token: AuthToken | undefined,
  { settings, clock, random }: WantedToken,
): AuthToken | undefined {
  const isFresh = token !== undefined && clock.nowMs() < dueAtMs(token, settings.refreshAheadMs, random());
  return isFresh ? token : undefined;
}

/** What the owner of the grant's lock brings within `waitMs`. If it takes longer, what is good meanwhile. */
async function tokenOfOther(wanted: WantedToken, waitMs: number): Promise<AuthToken | undefined> {
  const { files, key } = wanted;
  if ((await files.lockOwner(key)) === undefined) return undefined;
  const brought = async (): Promise<AuthToken | undefined> => freshToken(await storedToken(wanted), wanted);
  try {
    // The lock comes to us where its owner has brought nothing: then it is for all of `km` to do.
    const nothing = (): Promise<undefined> => Promise.resolve(undefined);
    return await files.withLock<AuthToken | undefined>(key, nothing, { timeoutMs: waitMs, unless: brought });
  } catch (error) {
    if (isAuthError(error, 'KM_AUTH_LOCK_TIMEOUT')) return storedToken(wanted);
    throw error;
  }
}
