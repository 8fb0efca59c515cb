import { coversScopes, type OAuthLogin } from '@kilometers/auth';
import { printable } from '../terminal/printable.js';

/** A login at another issuer than the Kilometers API. Members may be added; those here stay. */
export type IssuerStatus = {
  readonly issuer: string;
  readonly clientId: string;
  /** What a person was asked to allow; `null` where the client mints by itself. */
  readonly askedScopes: readonly string[] | null;
  /** What was granted of that. */
  readonly grantedScopes: readonly string[] | null;
};

export function issuerStatus({ provider, askedScopes, grantedScopes }: OAuthLogin): IssuerStatus {
  return {
    issuer: String(provider['issuer']),
    clientId: String(provider['clientId']),
    askedScopes: askedScopes ?? null,
    grantedScopes: grantedScopes ?? null,
  };
}

/** The same for people, a line a fact. */
export function issuerFacts({
  issuer,
  clientId,
  askedScopes,
  grantedScopes,
}: IssuerStatus): readonly string[] {
  const granted = (grantedScopes ?? []).flatMap((scope) => printable(scope) ?? []);
  const missing = (askedScopes ?? []).filter((scope) => !coversScopes(granted, [scope]));
  return [
    `issuer: ${issuer}, client ${clientId}`,
    ...(granted.length === 0 ? [] : [`scopes granted: ${granted.join(' ')}`]),
    ...(missing.length === 0 ? [] : [`asked for, and not granted: ${missing.join(' ')}`]),
  ];
}
