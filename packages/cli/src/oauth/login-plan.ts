import { resolve } from 'node:path';
import { DEFAULT_SCOPE, parseEndpoint, type IssuerSettings } from '@kilometers/auth';
import type { ProviderSettings } from '../config/configuration.js';
import { ISSUER_FLAGS } from '../login/issuer-flags.js';
import type { AuthLoginFlags } from '../login/login-kind.js';
import { wrongUsage } from '../login/wrong-usage.js';
import { checkedIssuer, type AuthenticationMethod, type LoginWay } from './checked-issuer.js';

/**
 * What a login at another issuer is made with: the flags, and for what they leave out the profile's `provider` in
 * `config.json`, where that is the same issuer.
 *
 * @throws {CliError} where they do not fit together, or something is missing.
 */
export function planLogin(
  flags: AuthLoginFlags,
  provider: ProviderSettings | undefined,
  isInteractive: boolean,
): IssuerSettings {
  refuseEmpty(flags);
  checkUrls(flags);
  const issuer = flags.issuer ?? provider?.issuer ?? '';
  const before = isIssuerOf(issuer, provider) ? checkedIssuer(provider, saidBy(flags)) : {};
  refuseApiKey(flags, issuer);
  const clientId = flags.clientId ?? before.clientId ?? '';
  if (clientId === '') throw wrongUsage(`give --client-id: as what km is registered at ${issuer}`);
  const known = clientId === before.clientId ? before.clientAuthentication : undefined;
  const clientAuthentication = authenticationFrom(flags, known);
  const scopes = scopesFrom(flags.scope) ?? before.scopes;
  const resources = flags.resource ?? before.resources;
  const audience = flags.audience ?? before.audience;
  const redirectUri = flags.redirectUri ?? before.redirectUri;
  const prompt = flags.prompt ?? before.prompt;
  const dpop = flags.dpop ?? before.dpop;
  const endpoints = endpointsFrom(flags, before.endpoints);
  return {
    issuer,
    clientId,
    login: wayFrom(flags, before.login, isInteractive),
    ...(clientAuthentication !== undefined && { clientAuthentication }),
    ...(scopes !== undefined && { scopes }),
    ...(resources !== undefined && { resources }),
    ...(audience !== undefined && { audience }),
    ...(redirectUri !== undefined && { redirectUri }),
    ...(prompt !== undefined && { prompt }),
    ...(dpop !== undefined && { dpop }),
    ...(endpoints !== undefined && { endpoints }),
  };
}

/** An empty value is mostly a variable that is not set: what is stored of it could not be used. */
function refuseEmpty(flags: AuthLoginFlags): void {
  const isEmpty = (value: unknown): boolean => value === '' || (Array.isArray(value) && value.includes(''));
  const empty = Object.entries(ISSUER_FLAGS).find(([flag]) => isEmpty(flags[flag as keyof AuthLoginFlags]));
  if (empty !== undefined) throw wrongUsage(`${empty[1]} is empty: give a value, or leave it out`);
}

/** The members of a profile's `provider` in whose place the flags say something. */
function saidBy(flags: AuthLoginFlags): ReadonlySet<string> {
  const said = {
    scopes: flags.scope,
    resources: flags.resource,
    audience: flags.audience,
    redirectUri: flags.redirectUri,
    prompt: flags.prompt,
    dpop: flags.dpop,
    clientAuthentication: flags.clientAuth ?? flags.clientKey,
    login: flags.web ?? flags.device,
  };
  return new Set(Object.entries(said).flatMap(([member, value]) => (value === undefined ? [] : [member])));
}

/** The flags that say where secrets go, as a user writes them. */
const URL_FLAGS = {
  issuer: '--issuer',
  tokenEndpoint: '--token-endpoint',
  authorizationEndpoint: '--authorization-endpoint',
  deviceEndpoint: '--device-endpoint',
  revocationEndpoint: '--revocation-endpoint',
} as const satisfies Partial<Record<keyof AuthLoginFlags, string>>;

/** @throws {AuthError} where one has no URL that a secret may go to. */
function checkUrls(flags: AuthLoginFlags): void {
  for (const flag of Object.keys(URL_FLAGS) as (keyof typeof URL_FLAGS)[]) {
    const url = flags[flag];
    if (url !== undefined) parseEndpoint(url, URL_FLAGS[flag]);
  }
}

/** Whether `issuer` is that of a profile's `provider`, however it is spelt. */
export function isIssuerOf(
  issuer: string,
  provider: ProviderSettings | undefined,
): provider is ProviderSettings {
  return provider !== undefined && parseEndpoint(provider.issuer).href === parseEndpoint(issuer).href;
}

function refuseApiKey(
  { apiKey, apiKeyStdin = false, issuer: given, profile }: AuthLoginFlags,
  issuer: string,
): void {
  if (apiKey === undefined && !apiKeyStdin) return;
  if (given !== undefined)
    throw wrongUsage('an API key is for the Kilometers API, and --issuer for another: give one, not both');
  const init = `km init --force${profile === undefined ? '' : ` --profile ${profile}`}`;
  throw wrongUsage(
    `an API key is for the Kilometers API, and this profile logs in at ${issuer}: give another --profile, or bring this one back to the Kilometers API with \`${init}\``,
  );
}

function wayFrom(flags: AuthLoginFlags, before: LoginWay | undefined, isInteractive: boolean): LoginWay {
  const { web = false, device = false, clientSecretStdin = false, clientKey } = flags;
  if (web) return 'browser';
  if (device) return 'device';
  if (before !== undefined) return before;
  if (clientSecretStdin || clientKey !== undefined) return 'client';
  if (isInteractive) return 'browser';
  throw wrongUsage(
    'say how to log in: --web, or --device, or as the client itself with --client-secret-stdin or --client-key',
  );
}

function authenticationFrom(
  { clientAuth, clientKey, clientCert, clientSecretStdin = false }: AuthLoginFlags,
  before: IssuerSettings['clientAuthentication'],
): IssuerSettings['clientAuthentication'] {
  const keyFile = clientKey === undefined ? before?.keyFile : resolve(clientKey);
  const certificateFile = clientCert === undefined ? before?.certificateFile : resolve(clientCert);
  const hasSecret = before?.method.startsWith('client_secret') === true;
  const byFlags =
    (clientAuth as AuthenticationMethod | undefined) ??
    (clientCert !== undefined ? 'tls_client_auth' : undefined) ??
    (clientKey !== undefined ? 'private_key_jwt' : undefined) ??
    (clientSecretStdin && !hasSecret ? 'client_secret' : undefined);
  const method = byFlags ?? before?.method;
  if (method === undefined || method === 'none') return undefined;
  if (method === 'private_key_jwt') {
    if (keyFile === undefined) throw wrongUsage('private_key_jwt needs --client-key');
    return { method, keyFile };
  }
  if (method === 'tls_client_auth') {
    if (keyFile === undefined || certificateFile === undefined)
      throw wrongUsage('tls_client_auth needs --client-cert and --client-key');
    return { method, keyFile, certificateFile };
  }
  return { method };
}

/** What is asked for. `default` is what is asked for where nothing is. */
function scopesFrom(given: readonly string[] | undefined): readonly string[] | undefined {
  const words = given?.filter((word) => word !== DEFAULT_SCOPE);
  return words === undefined || words.length === 0 ? undefined : words;
}

function endpointsFrom(
  flags: AuthLoginFlags,
  before: IssuerSettings['endpoints'],
): IssuerSettings['endpoints'] {
  const { tokenEndpoint, authorizationEndpoint, deviceEndpoint, revocationEndpoint } = flags;
  const endpoints = {
    ...before,
    ...(tokenEndpoint !== undefined && { token: tokenEndpoint }),
    ...(authorizationEndpoint !== undefined && { authorization: authorizationEndpoint }),
    ...(deviceEndpoint !== undefined && { deviceAuthorization: deviceEndpoint }),
    ...(revocationEndpoint !== undefined && { revocation: revocationEndpoint }),
  };
  return Object.keys(endpoints).length === 0 ? undefined : endpoints;
}
