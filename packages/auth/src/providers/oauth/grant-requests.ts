import { AuthError } from '../../auth-error.js';
import type { AuthToken } from '../../auth-token.js';
import type { TokenRequest } from '../../ports.js';
import { DEFAULT_SCOPE } from '../../scope.js';
import type { Secret } from '../../secret.js';
import type { TokenTarget } from '../../token-key.js';
import { signAssertion } from './jwt-assertion.js';
import type { OAuthGrant } from './oauth-options.js';
import { grantTypeOf, type OAuthSettings } from './oauth-settings.js';
import type { IssuerWire } from './issuer-wire.js';
import type { EndpointRequest } from './token-endpoint.js';

export type Parameter = readonly [string, string];

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** The scopes to name: `default` stands for those of the settings. */
function namedScopes(scopes: readonly string[], settings: OAuthSettings): readonly string[] {
  const named = scopes.filter((scope) => scope !== DEFAULT_SCOPE);
  const all = named.length === scopes.length ? named : [...settings.scopes, ...named];
  return [...new Set(all)];
}

export function scopeParameter(scopes: readonly string[]): readonly Parameter[] {
  return scopes.length === 0 ? [] : [['scope', scopes.join(' ')]];
}

/** @see {@link https://www.rfc-editor.org/rfc/rfc8707#section-2.2 | RFC 8707 §2.2} */
export function targetParameters({ resources = [], audience }: TokenTarget): readonly Parameter[] {
  const named = resources.map((resource): Parameter => ['resource', resource]);
  return audience === undefined ? named : [...named, ['audience', audience]];
}

/**
 * What to send for a token.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION` for a grant that this provider does not have.
 */
export async function endpointRequest(request: TokenRequest, wire: IssuerWire): Promise<EndpointRequest> {
  switch (request.grantType) {
    case 'refresh_token':
      return refreshRequest(request, wire.settings);
    case 'provider':
      return mintingRequest(request, wire);
    default:
      throw new AuthError(
        'KM_AUTH_CONFIGURATION',
        `an OAuth provider has its credentials from createOAuthProvider: give them there, not as ${request.grantType === 'api_key' ? 'apiKey' : 'clientCredentials'}`,
      );
  }
}

/** Without a scope: all that the login serves. @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-6 | RFC 6749 §6} */
function refreshRequest(
  { refreshToken, scopes = [], target = {}, proofKey }: TokenRequest & { grantType: 'refresh_token' },
  settings: OAuthSettings,
): EndpointRequest {
  const narrowed = scopes.includes(DEFAULT_SCOPE) ? [] : scopes;
  const token = refreshToken.reveal();
  return {
    grantType: 'refresh_token',
    parameters: [['refresh_token', token], ...scopeParameter(narrowed), ...targetParameters(target)],
    secrets: [token],
    isSingleUse: true,
    scopes: namedScopes(scopes, settings),
    proofKey,
  };
}

async function mintingRequest(
  { scopes, target = {}, proofKey }: TokenRequest & { grantType: 'provider' },
  wire: IssuerWire,
): Promise<EndpointRequest> {
  const { settings } = wire;
  const { grant } = settings;
  if (grant === undefined)
    throw new AuthError('KM_AUTH_CONFIGURATION', 'this provider mints no tokens by itself: log in');
  const named = namedScopes(scopes, settings);
  const own = await grantParameters(grant, named, wire);
  return {
    ...own,
    grantType: grantTypeOf(grant),
    parameters: [...own.parameters, ...targetParameters(target)],
    isSingleUse: false,
    scopes: named,
    proofKey,
  };
}

type OwnParameters = Pick<EndpointRequest, 'parameters' | 'secrets' | 'signAssertion'>;

async function grantParameters(
  grant: OAuthGrant,
  scopes: readonly string[],
  wire: IssuerWire,
): Promise<OwnParameters> {
  switch (grant.type) {
    case 'client_credentials':
      return { parameters: scopeParameter(scopes), secrets: [] };
    case 'jwt_bearer': {
      const isInAssertion = grant.scopesIn === 'assertion';
      return {
        parameters: isInAssertion ? [] : scopeParameter(scopes),
        secrets: [],
        signAssertion: (tokenEndpoint) =>
          signAssertion(grant, {
            clientId: wire.settings.clientId,
            audience: grant.assertionAudience ?? tokenEndpoint.href,
            scopes: isInAssertion ? scopes : [],
            nowMs: wire.issuerNowMs(),
          }),
      };
    }
    case 'token_exchange':
      return exchangeParameters(grant, scopes);
  }
}

/** @see {@link https://www.rfc-editor.org/rfc/rfc8693#section-2.1 | RFC 8693 §2.1} */
async function exchangeParameters(
  grant: OAuthGrant & { type: 'token_exchange' },
  scopes: readonly string[],
): Promise<OwnParameters> {
  const reveal = async (bring: () => Promise<AuthToken | Secret>): Promise<string> =>
    (await bring()).reveal();
  const subject = await reveal(grant.subjectToken);
  const actor = grant.actorToken === undefined ? undefined : await reveal(grant.actorToken);
  const { requestedTokenType } = grant;
  return {
    parameters: [
      ['subject_token', subject],
      ['subject_token_type', grant.subjectTokenType ?? ACCESS_TOKEN],
      ...(actor === undefined
        ? []
        : [
            ['actor_token', actor] as const,
            ['actor_token_type', grant.actorTokenType ?? ACCESS_TOKEN] as const,
          ]),
      ...(requestedTokenType === undefined ? [] : [['requested_token_type', requestedTokenType] as const]),
      ...scopeParameter(scopes),
    ],
    secrets: actor === undefined ? [subject] : [subject, actor],
  };
}
