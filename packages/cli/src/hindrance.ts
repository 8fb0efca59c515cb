import { EXIT, exitCodeFor } from './exit-code.js';
import type { Account } from './settings.js';
import type { Storage } from './token-cache.js';

/** What keeps a login that is stored from being used, and what helps. */
export type Hindrance = {
  readonly reason: string;
  readonly remedy: string;
  /** Of a command that needs the login. */
  readonly exitCode: number;
};

/**
 * What keeps a person's login from being used: its refresh token is in a storage that all share, and with each use another
 * one takes its place there. Where tokens stay in memory none is taken out, nor could the next be kept.
 */
export function hindranceOf(
  { credential, oauth }: Pick<Account, 'credential' | 'oauth'>,
  { whyMemory }: Pick<Storage, 'whyMemory'>,
): Hindrance | undefined {
  // A login that was read is somebody's who has a home: then only the variable keeps tokens in memory.
  if (whyMemory === undefined || credential?.source !== 'login' || credential.value !== 'refresh_token')
    return undefined;
  // A key in the environment is nothing to another issuer.
  const instead = oauth === undefined ? ', or set KILOMETERS_API_KEY' : '';
  return {
    reason: 'KM_NO_TOKEN_CACHE=1 keeps km from using this login',
    remedy: `unset it${instead}`,
    exitCode: EXIT.failed,
  };
}

/**
 * What keeps km from a login that is stored, or may be: where logins cannot be read a new one could not be kept either, and
 * one that a newer km has made can be used as it is.
 */
export function loginOutOfReach({
  unread,
  isOfNewerKm,
  note,
}: Pick<Account, 'unread' | 'isOfNewerKm' | 'note'>): Hindrance | undefined {
  if (note === undefined || (unread === undefined && !isOfNewerKm)) return undefined;
  const exitCode = isOfNewerKm ? EXIT.loginRequired : exitCodeFor(unread);
  return { reason: note, remedy: 'do what it says', exitCode };
}

export function wordsFor({ reason, remedy }: Pick<Hindrance, 'reason' | 'remedy'>): string {
  return `${reason}: ${remedy}`;
}
