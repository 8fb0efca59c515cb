import type { GrantKey } from './grant-record.js';
import type { Secret } from './secret.js';

/** How a profile is logged in: with what it mints tokens. */
export type StoredLogin = {
  readonly profile: string;
  /** The endpoint that was logged in to, as a URL. */
  readonly apiEndpoint: string;
  /** When, in milliseconds since the epoch. */
  readonly atMs: number;
} & (
  | { readonly kind: 'api_key'; readonly apiKey: Secret }
  | { readonly kind: 'client_credentials'; readonly clientId: string; readonly clientSecret: Secret }
  /** A person logged in: what was won is the refresh token in the profile's grant of no credential. */
  | { readonly kind: 'refresh_token' }
  | OAuthLogin
);

/** A login at an issuer other than the Kilometers API. */
export type OAuthLogin = {
  readonly kind: 'oauth';
  /** The issuer, the client and what else it was proved with, in whatever shape its owner keeps that. No secrets. */
  readonly provider: Readonly<Record<string, unknown>>;
  /** Absent where the client is a public one, or proves itself with a key or certificate. */
  readonly clientSecret?: Secret;
  /** Where its grant is kept. */
  readonly grant: GrantKey;
  /** What the keys of its tokens have after their scopes. */
  readonly keySuffix: string;
  /** As `createAuthManager` is given it; absent where the client mints by itself. */
  readonly loginId?: string;
  /** What a person was asked to allow. */
  readonly askedScopes?: readonly string[];
  /** What the issuer granted of it. */
  readonly grantedScopes?: readonly string[];
};

/**
 * What is kept of a login that is over for as long as its tokens may not be: who is to be told of them. Nothing with which
 * more could be won at the Kilometers API.
 */
export type EndedLogin = Pick<StoredLogin, 'apiEndpoint'> &
  /** Of one at another issuer; its client has to show there who it is. */
  Partial<Pick<OAuthLogin, 'provider' | 'clientSecret'>> & {
    /** Where its tokens are kept. */
    readonly grant: GrantKey;
  };

/** What is to be kept of a login that is over; `undefined` where that is nothing. */
export type EndedOf = (login: StoredLogin) => EndedLogin | undefined;

/** The logins of profiles, kept with their grants. */
export interface LoginStore {
  /** @throws {AuthError} `KM_AUTH_CACHE` when the storage cannot be read. */
  get(profile: string): Promise<StoredLogin | undefined>;
  /**
   * Replaces the profile's login, and returns the one before. Keeps `endedOf` that one until `forget`, as `end` does; nothing
   * without it.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored. Then the one before still is.
   */
  set(login: StoredLogin, endedOf?: EndedOf): Promise<StoredLogin | undefined>;
  /** @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored. */
  remove(profile: string): Promise<void>;
  /**
   * As `remove`, but keeps `endedOf` the login until `forget`: whoever takes its tokens may fail, or be killed.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored. Then the login still is.
   */
  end(profile: string, endedOf: EndedOf): Promise<void>;
  /** What `end` and `set` kept, in no order. @throws {AuthError} `KM_AUTH_CACHE` when the storage cannot be read. */
  listEnded(): Promise<readonly EndedLogin[]>;
  /** Forgets what was kept of the login with this grant. @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored. */
  forget(grant: GrantKey): Promise<void>;
  /** All of them, in no order. @throws {AuthError} `KM_AUTH_CACHE` when the storage cannot be read. */
  list(): Promise<readonly StoredLogin[]>;
}
