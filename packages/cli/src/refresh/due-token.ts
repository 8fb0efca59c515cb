import { dueAtMs, refreshSettings, type AuthToken } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { goodToken } from '../good-token.js';
import { grantOfAccount, tokenKeyOf } from '../grant-of-account.js';
import type { OpenedManager } from '../open-auth-manager.js';
import type { AccountFlags } from '../settings.js';
import { isApart } from './is-apart.js';

export type DueTokenOptions = Pick<OpenedManager, 'account' | 'storage'> & {
  readonly scope: string;
  readonly minValidMs: number;
  readonly flags: AccountFlags;
};

/**
 * The token at hand where it is good but due, or the one that replaces it, if that comes within `refreshDeadlineMs`.
 * `undefined` where there is none of which that is so: then it takes the manager.
 */
export async function dueToken(
  { account, storage, scope, minValidMs, flags }: DueTokenOptions,
  context: CommandContext,
): Promise<AuthToken | undefined> {
  const { clock, environment } = context;
  if (storage.whyMemory !== undefined || isApart(environment)) return undefined;
  const { refreshAheadMs, refreshDeadlineMs } = refreshSettings(account.config);
  const { key } = grantOfAccount(account);
  const stored = async (): Promise<AuthToken | undefined> => {
    // Where it cannot be read, the manager says so.
    const record = await storage.cache.getGrant(key).catch(() => undefined);
    return goodToken(record?.tokens.get(tokenKeyOf(account, scope)), { minValidMs, nowMs: clock.nowMs() });
  };
  const token = await stored();
  // The earliest that it may be due.
  if (token === undefined || clock.nowMs() < dueAtMs(token, refreshAheadMs, 1)) return undefined;
  const { refreshApart } = await import('./refresh-apart.js');
  await refreshApart({ scope, minValidMs: 0, flags, deadlineMs: refreshDeadlineMs, apartFor: '1' }, context);
  return stored();
}
