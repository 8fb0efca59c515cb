import { createHash } from 'node:crypto';
import { parseEndpoint } from '../../api-origin.js';
import { AuthError } from '../../auth-error.js';
import { DAY_MS, expectNumber } from '../../number-option.js';
import { systemClock, type Clock } from '../../clock.js';
import type { DocumentStore, TokenIssuer } from '../../ports.js';
import { DEFAULT_REFRESH_SETTINGS } from '../../refresh-policy.js';
import { scopeTokens } from '../../scope.js';
import { Secret } from '../../secret.js';
import { defaultAnswerTimeoutMs } from '../answer-patience.js';
import type { HttpTransport } from '../http-transport.js';
import type {
  ClientAuthentication,
  OAuthEndpoints,
  OAuthGrant,
  OAuthProviderOptions,
} from './oauth-options.js';

/** The options with their defaults, checked. */
export type OAuthSettings = {
  readonly issuer: URL | undefined;
  readonly endpoints: OAuthEndpoints;
  readonly clientId: string;
  readonly clientAuthentication: ClientAuthentication;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly audience: string | undefined;
  readonly grant: OAuthGrant | undefined;
  readonly dpop: boolean | 'if-offered';
  readonly documents: DocumentStore | undefined;
  readonly requestTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly fetch: typeof fetch | undefined;
  readonly transport: HttpTransport | undefined;
  readonly clock: Clock;
  readonly tokenIssuer: TokenIssuer;
};

const GRANT_TYPES = {
  client_credentials: 'client_credentials',
  jwt_bearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  token_exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
} as const;

/** What the wire calls a grant. */
export function grantTypeOf(grant: OAuthGrant): string {
  return GRANT_TYPES[grant.type];
}

function invalid(message: string): AuthError {
  return new AuthError('KM_AUTH_INVALID_OPTION', message);
}

function digestOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

function timeout(name: string, given: number | undefined, byDefault: number): number {
  return expectNumber(name, given ?? byDefault, { min: 1, max: DAY_MS });
}

/** @see {@link https://www.rfc-editor.org/rfc/rfc8707#section-2 | RFC 8707 §2} */
function checkResource(resource: string): void {
  if (URL.canParse(resource) && !resource.includes('#')) return;
  throw invalid(
    `resource ${JSON.stringify(resource)} is no absolute URI without a fragment: give one such as https://api.example.com`,
  );
}

/** What changes when a client authenticates by something else. Files count by name: keys in them are renewed. */
function authenticationFingerprint(authentication: ClientAuthentication): string {
  switch (authentication.method) {
    case 'none':
      return 'none';
    case 'private_key_jwt':
      return digestOf('key', authentication.keyFile);
    case 'tls_client_auth':
      return digestOf('certificate', authentication.certificateFile);
    default:
      return Secret.from(authentication.clientSecret).fingerprint;
  }
}

function grantFingerprint(grant: OAuthGrant): readonly unknown[] {
  switch (grant.type) {
    case 'client_credentials':
      return [];
    case 'jwt_bearer':
      return [grant.keyFile, grant.assertionIssuer, grant.subject, grant.assertionAudience];
    case 'token_exchange':
      return [
        grant.subjectId,
        grant.subjectTokenType,
        grant.actorTokenType,
        grant.requestedTokenType,
        // A token says who acts: RFC 8693 §4.1.
        ...(grant.actorToken === undefined ? [] : [grant.actorId]),
      ];
  }
}

function checkGrant(grant: OAuthGrant | undefined, authentication: ClientAuthentication): void {
  if (grant?.type === 'client_credentials' && authentication.method === 'none') {
    throw invalid(
      'the client_credentials grant needs a client that can prove who it is: give clientAuthentication',
    );
  }
  const isActing = grant?.type === 'token_exchange' && grant.actorToken !== undefined;
  if (isActing && (grant.actorId ?? '') === '') {
    throw invalid('actorToken is given without actorId: say who acts, so that nobody else gets such a token');
  }
}

/**
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when a value is not allowed; `KM_AUTH_INSECURE_ENDPOINT` for plain
 *   http to another machine.
 */
export function oauthSettings(options: OAuthProviderOptions): OAuthSettings {
  const { endpoints = {}, clientId, clientAuthentication = { method: 'none' }, grant } = options;
  const { scopes = [], resources = [], audience, dpop = false, clock = systemClock } = options;
  for (const [name, endpoint] of Object.entries(endpoints))
    if (endpoint !== undefined) parseEndpoint(endpoint, `the ${name} endpoint`);
  const issuer = options.issuer === undefined ? undefined : parseEndpoint(options.issuer, 'the issuer');
  const home = issuer ?? (endpoints.token === undefined ? undefined : parseEndpoint(endpoints.token));
  if (home === undefined) throw invalid('nobody to ask for tokens: give issuer, or endpoints with token');
  if (issuer !== undefined && (issuer.search !== '' || issuer.hash !== ''))
    throw invalid(`the issuer ${issuer.origin} has a query or a fragment: leave it out`);
  if (clientId === '') throw invalid('clientId is empty: give the id under which the client is registered');
  for (const resource of resources) checkResource(resource);
  checkGrant(grant, clientAuthentication);
  const checkedScopes = scopes.length === 0 ? [] : scopeTokens(scopes);
  const requestTimeoutMs = timeout(
    'requestTimeoutMs',
    options.requestTimeoutMs,
    DEFAULT_REFRESH_SETTINGS.requestTimeoutMs,
  );
  return {
    issuer,
    endpoints,
    clientId,
    clientAuthentication,
    scopes: checkedScopes,
    resources,
    audience,
    grant,
    dpop,
    documents: options.documents,
    requestTimeoutMs,
    answerTimeoutMs: timeout(
      'answerTimeoutMs',
      options.answerTimeoutMs,
      defaultAnswerTimeoutMs(requestTimeoutMs),
    ),
    fetch: options.fetch,
    transport: options.transport,
    clock,
    tokenIssuer: {
      origin: home.origin,
      identity: digestOf(home.href, clientId),
      target: {
        ...(resources.length > 0 && { resources }),
        ...(audience !== undefined && { audience }),
      },
      ...(grant !== undefined && {
        mints: {
          grantType: grantTypeOf(grant),
          fingerprint: digestOf(
            authenticationFingerprint(clientAuthentication),
            checkedScopes,
            ...grantFingerprint(grant),
          ),
        },
      }),
    },
  };
}
