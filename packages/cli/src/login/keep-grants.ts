import { revocableTokens, type GrantKey, type GrantRecord } from '@kilometers/auth';
import type { SharedCache } from '../token-cache.js';
import { givenUp } from './given-up.js';
import type { WonLogin } from './login-kind.js';

/** What is kept of a login in the cache, and what was there before. */
export type KeptGrant = WonLogin['grants'][number] & { readonly before: GrantRecord | undefined };

/** What is kept of a login, by its key. */
export type KeptGrants = Map<GrantKey, KeptGrant>;

/**
 * What is there in the place of a login that failed: all from before, what mints tokens of it, what was won, or what others
 * have put there; `unknown` where it cannot be read.
 */
export type Place = 'before' | 'mints' | 'won' | 'other' | 'unknown';

type KeepOptions = {
  /** How long another process that refreshes is waited for, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends that wait. */
  readonly signal: AbortSignal;
  /** Is added to, also where it ends with an error: all that may have been replaced. */
  readonly kept: KeptGrants;
};

/** Nobody but this process knows of what it has just stored. */
const PUT_BACK_TIMEOUT_MS = 5_000;

/**
 * Stores what the cache gets.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored; {@link CliError} when `signal` ended the wait.
 */
export async function keepGrants(
  { grants }: Pick<WonLogin, 'grants'>,
  files: SharedCache,
  { timeoutMs, signal, kept }: KeepOptions,
): Promise<void> {
  for (const { key, record } of grants) {
    const keep = async (): Promise<boolean> => {
      try {
        await files.updateGrant(key, (before) => {
          kept.set(key, { key, record, before });
          return record;
        });
        return true;
      } catch (error) {
        // Half of it may be written. As long as the lock is held, nobody has taken that up.
        const grant = kept.get(key);
        const place = grant && (await replace(grant, files, (current) => isOfBoth(current, grant)));
        if (place !== 'won' && place !== 'unknown') kept.delete(key);
        throw error;
      }
    };
    const isKept = await files.withLock(key, keep, {
      timeoutMs,
      unless: () => Promise.resolve(signal.aborted ? false : undefined),
    });
    if (!isKept) throw givenUp(signal.reason as NodeJS.Signals);
  }
}

/** Puts back what was there before. Resolves with what is there then. */
export async function putBack(kept: KeptGrants, files: SharedCache): Promise<ReadonlyMap<GrantKey, Place>> {
  const places = new Map<GrantKey, Place>();
  for (const [key, grant] of kept) {
    const [ours] = namesIn(grant.record);
    const putThis = (): Promise<Place> =>
      replace(grant, files, (current) => current !== undefined && namesIn(current)[0] === ours);
    const place = await files
      .withLock(key, putThis, { timeoutMs: PUT_BACK_TIMEOUT_MS })
      .catch(() => placeOf(grant, files));
    places.set(key, place);
  }
  return places;
}

/** Whether what mints tokens of the login from before is there. */
export const isBack = (place: Place): boolean => place === 'before' || place === 'mints';

/** Replaces what answers to `isOurs` by what was there before, as far as that can be. Tells what is there then. */
async function replace(
  grant: KeptGrant,
  files: SharedCache,
  isOurs: (current: GrantRecord | undefined) => boolean,
): Promise<Place> {
  await files
    .updateGrant(grant.key, (current) => (isOurs(current) ? grant.before : current))
    .catch(() => undefined);
  return placeOf(grant, files);
}

async function placeOf({ key, record, before }: KeptGrant, files: SharedCache): Promise<Place> {
  try {
    const [there, wanted] = [namesIn(await files.getGrant(key)), namesIn(before)];
    if (there[0] === wanted[0])
      return there.length === wanted.length && there.every((name) => wanted.includes(name))
        ? 'before'
        : 'mints';
    return there[0] === namesIn(record)[0] ? 'won' : 'other';
  } catch {
    return 'unknown';
  }
}

/** Whether there is nothing that is not of the login that failed, or of the one from before. */
function isOfBoth(current: GrantRecord | undefined, { record, before }: KeptGrant): boolean {
  const both = [...namesIn(record), ...namesIn(before)];
  return namesIn(current).every((name) => both.includes(name));
}

/** What tells a grant from others: first its refresh token, where it has one, then its tokens. */
function namesIn(record: GrantRecord | undefined): readonly string[] {
  return record === undefined ? [] : revocableTokens(record).map(({ token }) => token.reveal());
}
