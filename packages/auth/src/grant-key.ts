import { credentialFingerprint, type Credential } from './credential.js';
import type { GrantKey, GrantRecord } from './grant-record.js';
import type { TokenIssuer } from './ports.js';

/** Whose grant is meant. */
export type GrantOwner = {
  readonly profile: string;
  /** The origin of the API, where the issuer is the API itself. */
  readonly apiOrigin: string;
  /** Who issues its tokens, where that is not the API itself. */
  readonly issuer: TokenIssuer | undefined;
  readonly credential: Credential | undefined;
  /** The login, where there is no credential. */
  readonly loginId: string;
};

/** Under what a grant is kept. A login belongs to its issuer and client, whatever API its tokens are for. */
export function grantKeyOf({ profile, apiOrigin, issuer, credential, loginId }: GrantOwner): GrantKey {
  const login = `login:${loginId}${issuer === undefined ? '' : `:${issuer.identity}`}`;
  return {
    apiOrigin: issuer?.origin ?? apiOrigin,
    profile,
    credential: credential === undefined ? login : credentialFingerprint(credential),
  };
}

/**
 * Whether an OAuth issuer issues the tokens of a grant, and not the Kilometers API. The grants of an issuer have what tells
 * it from others in their names.
 */
export function isGrantOfIssuer({ credential }: GrantKey): boolean {
  return /^(?:oauth:|login:[^]*:)/.test(credential);
}

/** What tells the issuer and the client of a person's login from others; `undefined` where it is no login at an OAuth issuer. */
export function issuerIdentityOf({ credential }: GrantKey): string | undefined {
  return /^login:[^]*:([^:]+)$/.exec(credential)?.[1];
}

/**
 * Whether the tokens are all that there is of a person's login, as where the issuer gives no refresh token: nothing but the
 * next login brings others.
 */
export function areTokensTheLogin({ credential }: GrantKey, record: GrantRecord): boolean {
  const { tokens, refreshToken, endedAtMs } = record;
  return (
    credential.startsWith('login:') &&
    refreshToken === undefined &&
    endedAtMs === undefined &&
    tokens.size > 0
  );
}
