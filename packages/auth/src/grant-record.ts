import type { AuthToken } from './auth-token.js';
import type { Secret } from './secret.js';

/**
 * Whose tokens these are. Two grants that differ in any of the three never see each other's tokens.
 */
export type GrantKey = {
  /** The origin of the API, as in `https://api.kilometers.ai`, or of the issuer. */
  readonly apiOrigin: string;
  /** The named account. */
  readonly profile: string;
  /** The fingerprint of the API key or client secret, or the id of the login. */
  readonly credential: string;
};

/** A refresh token. It belongs to the grant, never to a scope. */
export type RefreshToken = {
  readonly secret: Secret;
  /** The scopes it was won for: tokens for these, or fewer, can be had with it. Absent: not known. */
  readonly scopes?: readonly string[];
  /** When it was received, in milliseconds since the epoch. */
  readonly issuedAtMs: number;
  /** When it ends, where the server told: milliseconds since the epoch. */
  readonly expiresAtMs?: number;
  /** A refresh did not put off its end: however often it is renewed, a human must log in again then. */
  readonly isEndFixed?: boolean;
};

/** Written before a refresh token is sent, so that a successor knows a lost answer from an unused token. */
export type SentRefresh = {
  /** Of the refresh token that was sent. */
  readonly fingerprint: string;
  /** When, in milliseconds since the epoch. */
  readonly atMs: number;
};

/** The last failure, for those who ask what is wrong. */
export type GrantFailure = {
  readonly code: string;
  readonly message: string;
  readonly atMs: number;
};

/** A token that is over here, and that its issuer may take for good: it came after its grant was ended, or nobody could be told. */
export type LeftOverToken = { readonly kind: 'refresh_token' | 'access_token'; readonly token: Secret };

/** All that is kept of one grant. Immutable: a change makes a new one. */
export type GrantRecord = {
  /** Tokens by key: the scope set and, where that was asked for, the target. */
  readonly tokens: ReadonlyMap<string, AuthToken>;
  readonly refreshToken?: RefreshToken;
  readonly sentRefresh?: SentRefresh;
  /**
   * The private key to which its tokens, and a public client's refresh token, are bound, as a JWK in JSON: made once,
   * and stored before it is used (RFC 9449 §5).
   */
  readonly proofKey?: Secret;
  /** When token requests were made that no expiry explains: what the storm brake counts. */
  readonly unexplainedRequestsAtMs: readonly number[];
  /** When the last token request was made, until it is known what became of it. */
  readonly requestUnderWayAtMs?: number;
  /** The service asked not to be asked before this time. */
  readonly notBeforeMs?: number;
  readonly lastFailure?: GrantFailure;
  /** When a human, or `AuthManager.revoke`, ended the login, or its tokens, in milliseconds since the epoch: until something new is won. */
  readonly endedAtMs?: number;
  /** Nothing is done with these but to end them at their issuer, when the grant is ended once more. */
  readonly leftOver?: readonly LeftOverToken[];
};

export const EMPTY_GRANT: GrantRecord = { tokens: new Map(), unexplainedRequestsAtMs: [] };

/** Whether a token is stored under no scope any more, but something that was won after it: another process has cleared it. */
export function isReplaced(
  { fingerprint, issuedAtMs }: AuthToken,
  { tokens, refreshToken }: GrantRecord,
): boolean {
  const stored = [...tokens.values()];
  const won = refreshToken === undefined ? stored : [refreshToken, ...stored];
  return (
    !stored.some((token) => token.fingerprint === fingerprint) &&
    won.some((each) => each.issuedAtMs > issuedAtMs)
  );
}
