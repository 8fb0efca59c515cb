import { revokeToken, type GrantRecord, type RevocableToken } from '@kilometers/auth';

/**
 * Tells the API to end what a grant had, the refresh token first; what `kept` has as well stays. Who cannot be told is not
 * asked twice: unheard of, tokens end by themselves.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2 | RFC 7009 §2}
 */
export async function endGrant(
  { refreshToken, tokens }: GrantRecord,
  apiEndpoint: string,
  kept: readonly { readonly record: GrantRecord }[] = [],
): Promise<void> {
  const keptTokens = new Set(
    kept.flatMap(({ record }) => [
      record.refreshToken?.secret.fingerprint,
      ...[...record.tokens.values()].map(({ fingerprint }) => fingerprint),
    ]),
  );
  const all: (RevocableToken & { readonly fingerprint: string })[] = [
    ...(refreshToken === undefined
      ? []
      : [
          {
            token: refreshToken.secret,
            kind: 'refresh_token' as const,
            fingerprint: refreshToken.secret.fingerprint,
          },
        ]),
    ...[...tokens.values()].map((token) => ({
      token,
      kind: 'access_token' as const,
      fingerprint: token.fingerprint,
    })),
  ];
  const told = new Set<string>();
  for (const { fingerprint, ...token } of all) {
    if (keptTokens.has(fingerprint) || told.has(fingerprint)) continue;
    told.add(fingerprint);
    if (!(await revokeToken(token, { apiEndpoint }))) return;
  }
}
