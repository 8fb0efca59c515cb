import type { GrantRecord } from './grant-record.js';
import type { RevocableToken } from './ports.js';
import { TokenRequestError } from './token-request-error.js';

/** What is taken of a grant to end it at its issuer, and what stays. */
export type Parting = { readonly taken: readonly RevocableToken[]; readonly left: GrantRecord };

/**
 * All tokens of a grant in the order in which they are to end: the refresh token first, each token once; then those that
 * are over here already, and that their issuer was not told of.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.1 | RFC 7009 §2.1}
 */
export function revocableTokens(record: GrantRecord): readonly RevocableToken[] {
  const access = new Map([...record.tokens.values()].map((token) => [token.fingerprint, token]));
  return [
    ...(record.refreshToken === undefined
      ? []
      : [{ token: record.refreshToken.secret, kind: 'refresh_token' as const }]),
    ...[...access.values()].map((token) => ({ token, kind: 'access_token' as const })),
    ...(record.leftOver ?? []),
  ];
}

/**
 * Takes all tokens. What is known of the grant's requests stays, for the storm brake; and that it was ended, so that what was
 * sent before brings nothing back.
 *
 * @param nowMs when that is, in milliseconds since the epoch.
 */
export function partWithTokens(nowMs: number): (record: GrantRecord) => Parting {
  return (record) => {
    const { unexplainedRequestsAtMs } = record;
    return {
      taken: revocableTokens(record),
      left: { tokens: new Map(), unexplainedRequestsAtMs, endedAtMs: nowMs },
    };
  };
}

/**
 * Takes the tokens with these keys, with whatever else they serve. The refresh token stays.
 *
 * @param keys as in {@link GrantRecord.tokens}.
 */
export function partWithScopes(keys: readonly string[]): (record: GrantRecord) => Parting {
  return (record) => {
    const meant = keys.flatMap((key) => record.tokens.get(key) ?? []);
    const taken = new Map(meant.map((token) => [token.fingerprint, token]));
    if (taken.size === 0) return { taken: [], left: record };
    const left = [...record.tokens].filter(([, { fingerprint }]) => !taken.has(fingerprint));
    return {
      taken: [...taken.values()].map((token) => ({ token, kind: 'access_token' })),
      left: { ...record, tokens: new Map(left) },
    };
  };
}

/**
 * Whether an issuer said that it ends no tokens of a kind, and that is all there is to say: its refresh token was ended before.
 *
 * @param tokens all that are being ended, in the order in which the issuer is told.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.2.1 | RFC 7009 §2.2.1}
 */
export function endsWithItsLogin(
  error: unknown,
  { kind }: RevocableToken,
  tokens: readonly RevocableToken[],
): boolean {
  return (
    kind === 'access_token' &&
    tokens[0]?.kind === 'refresh_token' &&
    error instanceof TokenRequestError &&
    error.failure.oauthError === 'unsupported_token_type'
  );
}
