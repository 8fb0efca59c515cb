import type { ApiEvents } from './api-event.js';
import type { Scope } from './scopes.js';
import { fingerprint, type RandomBytes } from './secrets.js';
import type { Store } from './store/store.js';

/** The tokens one request won. */
export type IssuedTokens = {
  readonly accessToken: string;
  readonly expiresAtMs: number;
  /** What is left of the lifetime when they are given out; a whole number, rounded down. */
  readonly expiresInSeconds: number;
  readonly scope: readonly Scope[];
  readonly refreshToken?: string;
};

/** How tokens are given out. */
export type TokenPolicy = {
  readonly tokenTtlMs: number;
  readonly refreshTokenTtlMs: number;
  readonly issueRefreshTokens: boolean;
  readonly rotateRefreshTokens: boolean;
  readonly graceMs: number;
};

/** What everything that deals with tokens works with. */
export type TokenContext = {
  readonly store: Store;
  readonly events: ApiEvents;
  readonly policy: TokenPolicy;
  readonly now: () => number;
  readonly random: RandomBytes;
};

/** Tokens as events tell of them: by fingerprint. */
export function fingerprinted(issued: IssuedTokens): Omit<IssuedTokens, 'expiresInSeconds'> {
  const { accessToken, expiresAtMs, refreshToken, scope } = issued;
  const tokens = { scope, accessToken: fingerprint(accessToken), expiresAtMs };
  return refreshToken === undefined ? tokens : { ...tokens, refreshToken: fingerprint(refreshToken) };
}
