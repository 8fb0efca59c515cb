import type { GrantType, RevocationReason } from './store/families.js';
import type { HttpProblemName } from './http-problem.js';
import type { OAuthErrorName } from './oauth-error.js';
import type { Scope } from './scopes.js';
import type { TroubleRule } from './trouble/rule.js';

/** Why a protected call was refused. */
export type AccessRefusal =
  'missing' | 'malformed' | 'unknown' | 'expired' | 'revoked' | 'insufficient_scope';

/** What the API reports as it happens. Tokens are named by the first 8 hex digits of their SHA-256. */
export type ApiEvent = { readonly atMs: number } & (
  | {
      readonly type: 'request';
      readonly method: string;
      readonly path: string;
      /** 0 when the connection was dropped without an answer. */
      readonly status: number;
      readonly durationMs: number;
    }
  | {
      readonly type: 'token.issued';
      readonly grantType: GrantType;
      readonly subject: string;
      readonly scope: readonly Scope[];
      readonly accessToken: string;
      readonly refreshToken?: string;
      readonly expiresAtMs: number;
    }
  | {
      readonly type: 'token.refreshed';
      readonly subject: string;
      readonly scope: readonly Scope[];
      readonly usedRefreshToken: string;
      readonly accessToken: string;
      readonly refreshToken?: string;
      readonly expiresAtMs: number;
      /** The same answer as before, within the grace window. */
      readonly isReplay: boolean;
    }
  | {
      readonly type: 'token.refused';
      /** Left out where the request names none that this API knows. */
      readonly grantType?: string;
      readonly error: OAuthErrorName | HttpProblemName;
      readonly reason: string;
    }
  | { readonly type: 'token.revoked'; readonly accessToken: string }
  | {
      readonly type: 'family.revoked';
      readonly family: string;
      readonly reason: RevocationReason;
      /** The refresh token that was revoked or used again. */
      readonly refreshToken: string;
    }
  | {
      readonly type: 'access.refused';
      readonly path: string;
      readonly reason: AccessRefusal;
      readonly accessToken?: string;
    }
  | { readonly type: 'device.started'; readonly scope: readonly Scope[] }
  | { readonly type: 'device.approved'; readonly subject: string }
  | { readonly type: 'device.denied' }
  | {
      readonly type: 'batch.stored';
      readonly subject: string;
      readonly accessToken: string;
      readonly stored: number;
      readonly seenBefore: number;
      readonly cliVersion: string;
    }
  | {
      readonly type: 'trouble.applied';
      readonly method: string;
      readonly path: string;
      readonly rule: TroubleRule;
    }
  | { readonly type: 'failed'; readonly path: string; readonly error: unknown }
);

type WithoutTime<T> = T extends unknown ? Omit<T, 'atMs'> : never;

/** An event before it is stamped with the time. */
export type ApiEventBody = WithoutTime<ApiEvent>;

/** Is told of each event, at once. */
export type ApiEventListener = (event: ApiEvent) => void;

/** Passes events to whoever listens. */
export class ApiEvents {
  readonly #listeners = new Set<ApiEventListener>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Adds a listener; the answer removes it. */
  on(listener: ApiEventListener): () => void {
    // A function of its own: the same listener may be added twice, and be removed once.
    const own: ApiEventListener = (event) => {
      listener(event);
    };
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  emit(body: ApiEventBody): void {
    const event: ApiEvent = { ...body, atMs: this.#now() };
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // A listener's own fault must not become an answer of the API; it surfaces where Node reports such things.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
