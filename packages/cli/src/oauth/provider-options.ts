import type { ClientAuthentication, OAuthEndpoints, OAuthProviderOptions, Secret } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { ProviderSettings } from '../config/configuration.js';
import { EXIT } from '../exit-code.js';

/** How a profile logs in at its issuer. */
const LOGIN_WAYS = ['browser', 'device', 'client'] as const;
export type LoginWay = (typeof LOGIN_WAYS)[number];

/** How a client shows who it is, as far as that is no secret. */
const AUTHENTICATION_METHODS = [
  'none',
  'client_secret',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
] as const;
export type AuthenticationMethod = (typeof AUTHENTICATION_METHODS)[number];

/** A profile's `provider` in `config.json`, all of it. Never a secret. */
export type IssuerSettings = ProviderSettings & {
  readonly clientId: string;
  readonly login: LoginWay;
  readonly clientAuthentication?: {
    readonly method: AuthenticationMethod;
    readonly keyFile?: string;
    readonly certificateFile?: string;
  };
  readonly scopes?: readonly string[];
  readonly resources?: readonly string[];
  readonly audience?: string;
  readonly redirectUri?: string;
  readonly prompt?: string;
  /** Tokens bound to a key of this machine: always, or where the issuer offers it. */
  readonly dpop?: boolean | 'if-offered';
  readonly endpoints?: OAuthEndpoints;
};

function wrong(member: string, must: string): CliError {
  return new CliError(`provider.${member} in config.json ${must}`, { exitCode: EXIT.failed });
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const SHAPES: readonly (readonly [string, (value: unknown) => boolean, string])[] = [
  ['scopes', isTexts, 'must be a list of texts'],
  ['resources', isTexts, 'must be a list of texts'],
  ['audience', isText, 'must be a text'],
  ['redirectUri', isText, 'must be a URL in quotes'],
  ['prompt', isText, 'must be a text'],
  [
    'dpop',
    (value) => typeof value === 'boolean' || value === 'if-offered',
    'must be true, false or "if-offered"',
  ],
  [
    'endpoints',
    (value) => isObject(value) && Object.values(value).every(isText),
    'must be an object of URLs in quotes',
  ],
  [
    'clientAuthentication',
    (value) => isObject(value) && AUTHENTICATION_METHODS.some((method) => method === value['method']),
    `must be an object whose method is one of ${AUTHENTICATION_METHODS.join(', ')}`,
  ],
  ['login', (value) => LOGIN_WAYS.some((way) => way === value), `must be one of ${LOGIN_WAYS.join(', ')}`],
];

/**
 * What a profile's `provider` says, checked.
 *
 * @throws {CliError} where a member is none that may be there.
 */
export function checkedIssuer(provider: Readonly<Record<string, unknown>>): Partial<IssuerSettings> {
  for (const [member, is, must] of SHAPES) {
    const value = provider[member];
    if (value !== undefined && !is(value)) throw wrong(member, must);
  }
  return provider;
}

function authenticationOf(
  { clientAuthentication: given }: IssuerSettings,
  clientSecret: Secret | undefined,
): ClientAuthentication {
  const { method = 'none', keyFile, certificateFile } = given ?? {};
  switch (method) {
    case 'none':
      return { method };
    case 'private_key_jwt':
      if (keyFile === undefined) throw wrong('clientAuthentication', 'needs a keyFile');
      return { method, keyFile };
    case 'tls_client_auth':
      if (keyFile === undefined || certificateFile === undefined)
        throw wrong('clientAuthentication', 'needs a keyFile and a certificateFile');
      return { method, keyFile, certificateFile };
    default:
      if (clientSecret === undefined)
        throw wrong('clientAuthentication', 'needs a secret, and none is stored');
      return { method, clientSecret };
  }
}

/** The library's options for an issuer. */
export function providerOptions(
  settings: IssuerSettings,
  clientSecret: Secret | undefined,
): OAuthProviderOptions {
  const { issuer, clientId, login, scopes, resources, audience, endpoints, dpop } = settings;
  return {
    issuer,
    clientId,
    clientAuthentication: authenticationOf(settings, clientSecret),
    ...(login === 'client' && { grant: { type: 'client_credentials' } }),
    scopes,
    resources,
    audience,
    endpoints,
    dpop,
  };
}
