import { AuthError } from './auth-error.js';
import type { GetTokenOptions } from './auth-manager.js';
import { LONGEST_OFFLINE_LIFETIME_MS } from './refresh-policy.js';

function invalid(name: keyof GetTokenOptions, value: number, range: string): AuthError {
  return new AuthError(
    'KM_AUTH_INVALID_OPTION',
    `${name} is ${String(value)}: it must be a number of milliseconds${range}`,
  );
}

/** @throws {AuthError} `KM_AUTH_INVALID_OPTION` when `minValidMs` or `offlineLifetimeMs` is less than nothing, or no number, or the latter more than 30 days. */
export function assertLifetimes({ minValidMs = 0, offlineLifetimeMs = 0 }: GetTokenOptions): void {
  if (!(minValidMs >= 0)) throw invalid('minValidMs', minValidMs, ', 0 or more');
  if (!(offlineLifetimeMs >= 0 && offlineLifetimeMs <= LONGEST_OFFLINE_LIFETIME_MS))
    throw invalid(
      'offlineLifetimeMs',
      offlineLifetimeMs,
      ` from 0 to ${String(LONGEST_OFFLINE_LIFETIME_MS)}`,
    );
}
