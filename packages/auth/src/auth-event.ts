import type { AuthErrorCode } from './auth-error.js';

/**
 * What every event says.
 *
 * @inline
 */
type EventBase = {
  readonly profile: string;
  /** When, in milliseconds since the epoch. */
  readonly atMs: number;
};

/** What was seen that an attacker may have caused. */
export type SecurityReason =
  'refresh-token-reused' | 'refresh-token-revoked' | 'token-revoked' | 'cache-tampered';

/** @inline */
type EventBody =
  /** A token was found in the cache: another process had obtained it. */
  | {
      readonly type: 'token.adopted';
      readonly scope: string;
      readonly token: string;
      readonly expiresAtMs: number;
    }
  /** A first token was obtained with an API key, client credentials, or a login. */
  | {
      readonly type: 'token.issued';
      readonly scope: string;
      readonly token: string;
      readonly expiresAtMs: number;
      readonly grantType: string;
    }
  /** A token replaced one that was due, expired, or rejected. */
  | {
      readonly type: 'token.refreshed';
      readonly scope: string;
      readonly token: string;
      readonly replaced: string | undefined;
      readonly expiresAtMs: number;
      readonly grantType: string;
    }
  /** A token is past its refresh point; a refresh runs in the background. */
  | {
      readonly type: 'token.due';
      readonly scope: string;
      readonly token: string;
      readonly remainingMs: number;
    }
  /** A caller that allows it gets a token past its end, or too near to it: no newer one can be had now. */
  | {
      readonly type: 'token.extended';
      readonly scope: string;
      readonly token: string;
      readonly expiresAtMs: number;
    }
  /** A token was revoked: the API said so, or `AuthManager.revoke` did it. */
  | { readonly type: 'token.revoked'; readonly scope: string; readonly token: string }
  /** A token request is sent; `attempt` counts from 1. */
  | {
      readonly type: 'refresh.started';
      readonly scope: string;
      readonly grantType: string;
      readonly attempt: number;
    }
  /** A token request failed, and is sent again in `delayMs`. */
  | {
      readonly type: 'refresh.retried';
      readonly scope: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly reason: string;
    }
  /** A refresh failed, with all its tries. */
  | {
      readonly type: 'refresh.failed';
      readonly scope: string;
      readonly code: AuthErrorCode;
      readonly message: string;
    }
  /** The answer to a refresh token that was sent never arrived. */
  | { readonly type: 'refresh.answer-lost'; readonly refreshToken: string; readonly sentAtMs: number }
  /** The refresh token could not be used; the credential `to` was. */
  | {
      readonly type: 'grant.fallback';
      readonly scope: string;
      readonly from: string;
      readonly to: string;
      readonly reason: string;
    }
  /** The refresh token is gone: removed from the cache, alone where it was refused, with the tokens where they were revoked. */
  | { readonly type: 'grant.cleared'; readonly refreshToken: string; readonly reason: string }
  /** A human must log in again within a week: until then the login goes on. */
  | {
      readonly type: 'grant.expiring';
      readonly refreshToken: string;
      readonly expiresAtMs: number;
      readonly remainingMs: number;
    }
  /** The token is for other scopes than it was asked for; `missing` are those it lacks. */
  | {
      readonly type: 'token.scopes-differ';
      readonly scope: string;
      readonly token: string;
      readonly granted: string;
      readonly missing: string;
    }
  /** A refresh token was reused or revoked, a token was revoked, or the cache was tampered with. */
  | { readonly type: 'security.event'; readonly reason: SecurityReason; readonly message: string }
  /** Something about the cache was put right: a mode that let others in, a damaged copy of the key. */
  | { readonly type: 'cache.repaired'; readonly message: string }
  /** Something in the cache could not be opened, and counts as empty. */
  | { readonly type: 'cache.corrupt'; readonly message: string }
  /** The cache could not be read or written: tokens stay in memory. */
  | { readonly type: 'cache.failed'; readonly operation: 'read' | 'write'; readonly message: string }
  /** What could not be stored before is stored now. */
  | { readonly type: 'cache.recovered' }
  /** The service cannot be reached. */
  | { readonly type: 'offline.entered'; readonly reason: string }
  /** The service answers again. */
  | { readonly type: 'offline.left' }
  /** The wall clock and the monotonic clock disagree on how long it has been: sleep, wake, or a set clock. */
  | { readonly type: 'clock.jumped'; readonly byMs: number }
  /** The local clock minus the server's, where it is more than 30 s. */
  | { readonly type: 'clock.skewed'; readonly skewMs: number }
  /** So many token requests were made that no more are, for a while. */
  | { readonly type: 'storm.braked'; readonly requests: number; readonly withinMs: number };

/** What happened. Tokens are named by fingerprint, never by their text. */
export type AuthEvent = EventBase & EventBody;

/** The kinds of {@link AuthEvent}. */
export type AuthEventType = AuthEvent['type'];

/** An event before the manager adds profile and time. */
export type AuthEventBody = EventBody;

/** Is called with every event, at once and in order; what it throws is dropped. */
export type AuthEventListener = (event: AuthEvent) => void;
