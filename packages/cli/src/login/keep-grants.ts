import type { GrantRecord } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { partWithAll } from '../revocation/take-tokens.js';
import type { SharedCache } from '../token-cache.js';
import type { WonLogin } from './login-kind.js';

/** What is kept of a login in the cache, and what was there before. */
export type KeptGrant = WonLogin['grants'][number] & { readonly before: GrantRecord | undefined };

type KeepOptions = {
  /** How long another process that refreshes is waited for, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends that wait. */
  readonly signal: AbortSignal;
  /** Is added to, also where it ends with an error. */
  readonly kept: KeptGrant[];
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
      let before: GrantRecord | undefined;
      await files.updateGrant(key, (current) => {
        before = current;
        return record;
      });
      kept.push({ key, record, before });
      return true;
    };
    const isKept = await files.withLock(key, keep, {
      timeoutMs,
      unless: () => Promise.resolve(signal.aborted ? false : undefined),
    });
    if (!isKept) throw new CliError('the login was given up; nothing was stored', { exitCode: 130 });
  }
}

/**
 * Puts back what was there before. Resolves with what was put back: not what cannot be written, nor what others have
 * taken up or replaced meanwhile.
 */
export async function putBack(
  kept: readonly KeptGrant[],
  files: SharedCache,
): Promise<ReadonlySet<KeptGrant>> {
  const back = new Set<KeptGrant>();
  for (const grant of kept) {
    const { key, record, before } = grant;
    const replace = (): Promise<unknown> =>
      files.updateGrant(key, (current) => {
        const isOurs = current !== undefined && nameOf(current) === nameOf(record);
        if (!isOurs) return current;
        back.add(grant);
        return before;
      });
    await files.withLock(key, replace, { timeoutMs: PUT_BACK_TIMEOUT_MS }).catch(() => back.delete(grant));
  }
  return back;
}

/** What tells a grant from others: its refresh token, where it has one. */
function nameOf(record: GrantRecord): string | undefined {
  return partWithAll(record).taken[0]?.token.reveal();
}
