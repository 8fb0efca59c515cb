import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import type { GrantRecord } from './grant-record.js';
import { isDue, isUsable, type RefreshSettings } from './refresh-policy.js';

/** What a caller needs of a token. */
export type Need = {
  /** The token's key: the scope set and, where one is asked for, the target. */
  readonly key: string;
  /** The token at hand, which is not good enough. Any other that is good may be taken. */
  readonly replaces: AuthToken | undefined;
  /** Why it will not do: its time, or the API said so. */
  readonly because: 'time' | 'rejected' | 'revoked';
  /** How long the token must be good for, in milliseconds. */
  readonly minValidMs: number;
};

/** A token is wanted because the one at hand is over, or about to be. */
export function needByTime(key: string, replaces: AuthToken | undefined, minValidMs = 0): Need {
  return { key, replaces, because: 'time', minValidMs };
}

/** How to tell whether a token will do. */
export type Adoption = {
  readonly nowMs: number;
  readonly refreshAheadMs: number;
  /** Whether this process knows better than the wall clock, which may have been set back. */
  readonly isOver: (token: AuthToken) => boolean;
};

/** How to tell that now. */
export function adoptionNow(options: {
  readonly clock: Clock;
  readonly settings: Pick<RefreshSettings, 'refreshAheadMs'>;
  readonly isOver: Adoption['isOver'];
}): Adoption {
  const { clock, settings, isOver } = options;
  return { nowMs: clock.nowMs(), refreshAheadMs: settings.refreshAheadMs, isOver };
}

/** The token of `record` that meets `need` as it is: usable, not due, and not the one rejected. */
export function adoptableToken(
  { tokens }: Pick<GrantRecord, 'tokens'>,
  need: Need,
  { nowMs, refreshAheadMs, isOver }: Adoption,
): AuthToken | undefined {
  const token = tokens.get(need.key);
  if (token === undefined || !isUsable(token, nowMs) || isDue(token, nowMs, refreshAheadMs)) return undefined;
  if (token.fingerprint === need.replaces?.fingerprint || isOver(token)) return undefined;
  return token.remainingMs(nowMs) >= need.minValidMs ? token : undefined;
}

/** Takes `token`, which another process obtained, and tells so. */
export function adopt(
  token: AuthToken,
  need: Need,
  {
    events,
    onToken,
  }: {
    readonly events: EventPublisher;
    readonly onToken: (key: string, token: AuthToken) => void;
  },
): AuthToken {
  const { fingerprint, expiresAtMs } = token;
  onToken(need.key, token);
  events.publish({ type: 'token.adopted', scope: need.key, token: fingerprint, expiresAtMs });
  return token;
}
