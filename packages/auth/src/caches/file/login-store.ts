import { hash } from 'node:crypto';
import type { GrantKey } from '../../grant-record.js';
import { Secret } from '../../secret.js';
import { ID_BYTES } from './sealed-format.js';
import type { SealedFolder } from './sealed-folder.js';

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

/** The logins of a user's profiles, sealed in `.credentials`. */
export interface LoginStore {
  /** @throws {AuthError} `KM_AUTH_CACHE` when the file cannot be read. */
  get(profile: string): Promise<StoredLogin | undefined>;
  /** Replaces the profile's login, and returns the one before. @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored. */
  set(login: StoredLogin): Promise<StoredLogin | undefined>;
  /** @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored. */
  remove(profile: string): Promise<void>;
  /** All of them, in no order. @throws {AuthError} `KM_AUTH_CACHE` when the file cannot be read. */
  list(): Promise<readonly StoredLogin[]>;
}

/** As it is in the file: under a name that no half of a grant has. */
type Envelope = { readonly login?: Readonly<Record<string, unknown>> };

/** Under what a profile's login is found. */
export function loginId(profile: string): Buffer {
  return hash('sha256', `login\n${profile}`, 'buffer').subarray(0, ID_BYTES);
}

function revealed(login: StoredLogin): Readonly<Record<string, unknown>> {
  switch (login.kind) {
    case 'api_key':
      return { ...login, apiKey: login.apiKey.reveal() };
    case 'client_credentials':
      return { ...login, clientSecret: login.clientSecret.reveal() };
    case 'oauth': {
      const { clientSecret, ...rest } = login;
      return { ...rest, ...(clientSecret !== undefined && { clientSecret: clientSecret.reveal() }) };
    }
    case 'refresh_token':
      return login;
  }
}

export function encodeLogin(login: StoredLogin): Buffer {
  return Buffer.from(JSON.stringify({ login: revealed(login) }));
}

/** What was authenticated when it was opened has the shape that was written. */
export function decodeLogin(plaintext: Buffer): StoredLogin | undefined {
  const { login } = JSON.parse(plaintext.toString('utf8')) as Envelope;
  if (login === undefined) return undefined;
  const { apiKey, clientSecret, ...rest } = login;
  return {
    ...rest,
    ...(typeof apiKey === 'string' && { apiKey: new Secret(apiKey) }),
    ...(typeof clientSecret === 'string' && { clientSecret: new Secret(clientSecret) }),
  } as StoredLogin;
}

export function createLoginStore(folder: SealedFolder): LoginStore {
  const loginIn = (plaintext: Buffer | undefined): StoredLogin | undefined =>
    plaintext === undefined ? undefined : decodeLogin(plaintext);
  return {
    get: async (profile) => loginIn(await folder.read(folder.logins, loginId(profile))),
    set: (login) =>
      folder.whileWriting(async ({ read, write }) => {
        const id = loginId(login.profile);
        const before = loginIn(await read(folder.logins, id));
        await write(folder.logins, id, encodeLogin(login));
        return before;
      }),
    remove: (profile) =>
      folder.whileWriting(({ write }) => write(folder.logins, loginId(profile), undefined)),
    async list() {
      return (await folder.readAll(folder.logins)).flatMap((plaintext) => decodeLogin(plaintext) ?? []);
    },
  };
}
