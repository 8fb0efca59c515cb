import { inspect } from 'node:util';
import { fingerprintOf } from './fingerprint.js';
import type { Secret } from './secret.js';
import { TokenRequestError } from './token-request-error.js';

/** What an {@link AuthToken} is made of. */
export type AuthTokenFields = {
  /** The access token itself. */
  readonly value: string;
  /** The `token_type`; default `Bearer`. */
  readonly type?: string;
  /** The scopes the server said it granted. */
  readonly scopes: readonly string[];
  /** When it was received, in milliseconds since the epoch. */
  readonly issuedAtMs: number;
  /** When it stops being good, in milliseconds since the epoch. `Infinity`, as anything that no date can hold, is ten years from `issuedAtMs`, and `NaN`, as of an answer without `expires_in`, 5 minutes. */
  readonly expiresAtMs: number;
  /** The private key to which the token is bound, as a JWK in JSON: each use needs a proof made with it. */
  readonly proofKey?: Secret | undefined;
};

/** The longest lifetime, in milliseconds, of what is said to live for ever: ten years. */
export const LONGEST_LIFETIME_MS = 10 * 365 * 86_400_000;
/**
 * The lifetime, in milliseconds, of what nobody says how long it lives: 5 minutes, so that little is lost by a wrong guess.
 * To refuse such a token would cost the login: the refresh token that brought it is used up.
 */
export const ASSUMED_LIFETIME_MS = 300_000;
/** The last moment that a date can hold, in milliseconds since the epoch. */
const LAST_DATE_MS = 8.64e15;

/** @throws {TokenRequestError} `KM_AUTH_INVALID_OPTION` when the time between the two is no number. */
function endOf({ issuedAtMs, expiresAtMs }: AuthTokenFields): number {
  let endMs = expiresAtMs;
  if (Number.isNaN(expiresAtMs)) endMs = issuedAtMs + ASSUMED_LIFETIME_MS;
  else if (expiresAtMs > LAST_DATE_MS) endMs = issuedAtMs + LONGEST_LIFETIME_MS;
  if (Number.isFinite(endMs - issuedAtMs)) return endMs;
  // Tokens are made of answers: what was sent for this one is used up.
  throw new TokenRequestError(
    'KM_AUTH_INVALID_OPTION',
    `a token is from ${String(issuedAtMs)} to ${String(expiresAtMs)}: it needs two numbers of milliseconds`,
    { isAnswerLost: true },
  );
}

/** An access token for one profile and scope. Immutable; prints as `[redacted]`. */
export class AuthToken {
  readonly #value: string;
  /** The `token_type`, as in `Bearer` or `DPoP`. */
  readonly type: string;
  /** The scopes the server said it granted. */
  readonly scopes: readonly string[];
  /** When it was received, in milliseconds since the epoch. */
  readonly issuedAtMs: number;
  /** When it stops being good, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /**
   * The private key to which the token is bound; `undefined` for a bearer token.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-4 | RFC 9449 §4}
   */
  readonly proofKey: Secret | undefined;
  /** The value of the `Authorization` header. */
  readonly #authorization: string;
  #fingerprint: string | undefined;

  /** @throws {AuthError} `KM_AUTH_INVALID_OPTION` when `issuedAtMs` is no number, such as `NaN`, or `expiresAtMs` is `-Infinity`. */
  constructor(fields: AuthTokenFields) {
    this.#value = fields.value;
    this.type = fields.type ?? 'Bearer';
    this.scopes = Object.freeze([...fields.scopes]);
    this.issuedAtMs = fields.issuedAtMs;
    this.expiresAtMs = endOf(fields);
    this.proofKey = fields.proofKey;
    this.#authorization = `${this.type} ${fields.value}`;
    Object.freeze(this);
  }

  /** The token's text. The only way to it besides {@link AuthToken.authorization}. */
  reveal(): string {
    return this.#value;
  }

  /**
   * The value for the `Authorization` header.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc6750#section-2.1 | RFC 6750 §2.1}
   */
  get authorization(): string {
    return this.#authorization;
  }

  /** The first 8 hex digits of the token's SHA-256: what logs, events and analytics call it. */
  get fingerprint(): string {
    return (this.#fingerprint ??= fingerprintOf(this.#value));
  }

  /** How long the token lives in all, in milliseconds. */
  get lifetimeMs(): number {
    return this.expiresAtMs - this.issuedAtMs;
  }

  /** Milliseconds left at `nowMs`; never below 0. */
  remainingMs(nowMs: number): number {
    return Math.max(0, this.expiresAtMs - nowMs);
  }

  /** Whether the token is past its expiry at `nowMs`. */
  isExpired(nowMs: number): boolean {
    return nowMs >= this.expiresAtMs;
  }

  /** Always `[redacted]`, as are `toJSON` and what `util.inspect` shows. */
  toString(): string {
    return '[redacted]';
  }

  /** Always `[redacted]`. */
  toJSON(): string {
    return '[redacted]';
  }

  /** Always `[redacted]`. */
  [inspect.custom](): string {
    return '[redacted]';
  }
}
