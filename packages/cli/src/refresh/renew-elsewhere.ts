import { AuthError, type AuthErrorCode, type AuthManagerConfig } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { grantOfAccount, scopeOfKey } from '../grant-of-account.js';
import type { Account, AccountFlags } from '../settings.js';
import type { Storage } from '../token-cache.js';

/** By then the other process has the grant's lock, for which this one waits, or something keeps it from running, in milliseconds. */
const DEADLINE_MS = 30_000;
/** For tokens that live less than this, in milliseconds, it would be started too often. */
const SHORT_LIFE_MS = 60_000;

export type RenewElsewhereOptions = {
  readonly account: Account;
  readonly storage: Storage;
  readonly flags: AccountFlags;
};

/**
 * Has a `km` of its own renew the tokens of a login, whose refresh token can be used once: this process may be killed before
 * the answer is here. An MCP client does so to the one that it started, four seconds after it has closed its input.
 * `undefined` where nothing can be lost, and where nothing is shared.
 */
export function renewElsewhere(
  { account, storage: { files, cache, whyMemory }, flags }: RenewElsewhereOptions,
  context: CommandContext,
): AuthManagerConfig['renewElsewhere'] {
  const isLogin = account.credential?.value === 'refresh_token';
  if (!isLogin || files === undefined || whyMemory !== undefined) return undefined;
  const { key } = grantOfAccount(account);
  const { clock } = context;
  return async ({ scope, replaces, minValidMs }) => {
    if (replaces !== undefined && replaces.lifetimeMs < SHORT_LIFE_MS) return;
    // Who renews it already is waited for as ever; what is amiss with the storage is for this process to find out.
    const isFree = await files.lockOwner(key).then(
      (owner) => owner === undefined,
      () => false,
    );
    if (!isFree) return;
    const beganAtMs = clock.nowMs();
    const { refreshApart } = await import('./refresh-apart.js');
    const exitCode = await refreshApart(
      {
        scope: scopeOfKey(scope, account),
        minValidMs,
        // The active profile may be another by now.
        flags: { ...flags, profile: account.profile.value },
        deadlineMs: DEADLINE_MS,
        apartFor: 'session',
      },
      context,
    );
    if (exitCode === 0 || exitCode === undefined) return;
    const { lastFailure } = (await cache.getGrant(key).catch(() => undefined)) ?? {};
    if (lastFailure === undefined || lastFailure.atMs < beganAtMs) return;
    throw new AuthError(lastFailure.code as AuthErrorCode, lastFailure.message);
  };
}
