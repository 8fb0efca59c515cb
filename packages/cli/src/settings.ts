import {
  authConfigFromEnvironment,
  configOfLogin,
  DEFAULT_API_ENDPOINT,
  DEFAULT_PROFILE,
  expectProfileName,
  isKnownLogin,
  parseEndpoint,
  type AuthManagerConfig,
  type LoginStore,
  type OAuthLogin,
  type StoredLogin,
} from '@kilometers/auth';
import type { Configuration, ProfileSettings, ProviderSettings } from './config/configuration.js';
import { readConfiguration } from './config/read-configuration.js';
import type { CredentialKind } from './credential-kind.js';
import { isSet } from './is-set.js';
import { messageOf } from './message-of.js';
import { isSameProvider } from './same-provider.js';

/** The flags that say which account and which service; every command that needs a token has them. */
export type AccountFlags = { readonly profile?: string; readonly endpoint?: string };

/** Where a setting came from; `config` is `config.json`: the profile's settings, or the active profile. */
export type SettingSource = 'flag' | 'environment' | 'config' | 'login' | 'default';

/** A setting, and where it came from. */
export type Sourced<T> = { readonly value: T; readonly source: SettingSource };

/** Whose tokens are meant, where they come from and what brings them. */
export type Account = {
  readonly profile: Sourced<string>;
  readonly endpoint: Sourced<string>;
  /** What mints tokens; `undefined` when nobody is logged in. */
  readonly credential: Sourced<CredentialKind> | undefined;
  /** The login, where another issuer than the Kilometers API has it. */
  readonly oauth: OAuthLogin | undefined;
  /** When it was logged in, in milliseconds since the epoch; `undefined` where no stored login is used. */
  readonly loggedInAtMs: number | undefined;
  /** The manager's configuration without its cache. */
  readonly config: AuthManagerConfig;
  /** The command that logs the profile in. */
  readonly loginCommand: string;
  /** What `config.json` says of the profile, and the issuer that only its login names. */
  readonly own: ProfileSettings;
  /** A stored login that is not used, or cannot be read, and why. */
  readonly note: string | undefined;
  /** What came of reading stored logins where they cannot be read: then nobody knows whether there is one. */
  readonly unread: unknown;
  /** Whether the login that is stored is of a kind that only a newer km knows. */
  readonly isOfNewerKm: boolean;
};

export type Settings = {
  readonly profile: Sourced<string>;
  /** What flags, the environment and the profile say. */
  readonly endpoint: Sourced<string> | undefined;
  /** Of the environment and the profile, for the manager. */
  readonly config: AuthManagerConfig;
  /** What `config.json` says of the profile, and the issuer that only its login names. */
  readonly own: ProfileSettings;
};

const NOTHING_OF_ITS_OWN: ProfileSettings = { refresh: {} };

/** Whether it was said for this command: what is stored was looked at before. */
function isOfNow({ source }: Sourced<string>): boolean {
  return source === 'flag' || source === 'environment';
}

/** The first that is there, as the order of precedence has them. */
function firstOf<T>(
  flag: T | undefined,
  environment: T | undefined,
  config: T | undefined,
): Sourced<T> | undefined {
  if (flag !== undefined) return { value: flag, source: 'flag' };
  if (environment !== undefined) return { value: environment, source: 'environment' };
  return config === undefined ? undefined : { value: config, source: 'config' };
}

/**
 * What flags, the environment and `config.json` say, in this order.
 *
 * @throws {CliError} where `config.json` is broken; {@link AuthError} `KM_AUTH_INVALID_OPTION` where a variable is.
 */
export function settingsFrom(
  flags: AccountFlags,
  environment: NodeJS.ProcessEnv,
  { activeProfile, profiles }: Pick<Configuration, 'activeProfile' | 'profiles'> = readConfiguration(
    environment,
  ),
): Settings {
  const fromEnvironment = authConfigFromEnvironment(environment);
  const profile = firstOf(flags.profile, fromEnvironment.profile, activeProfile) ?? {
    value: DEFAULT_PROFILE,
    source: 'default',
  };
  const own = profiles.get(profile.value) ?? NOTHING_OF_ITS_OWN;
  const config = own.provider === undefined ? fromEnvironment : forAnotherIssuer(fromEnvironment);
  return {
    profile,
    endpoint: firstOf(flags.endpoint, config.apiEndpoint, own.apiEndpoint ?? own.provider?.issuer),
    config: { ...own.refresh, ...config },
    own,
  };
}

/** A key and an endpoint in the environment are those of the Kilometers API: nothing to another issuer. */
function forAnotherIssuer(config: AuthManagerConfig): AuthManagerConfig {
  return { ...config, apiKey: undefined, apiEndpoint: undefined };
}

/**
 * `settings` with the issuer of the profile's stored login, where nothing else says what is logged in to. Mostly `config.json`
 * names it; not so on another machine of a fleet.
 */
export function withIssuerOf(login: StoredLogin | undefined, settings: Settings): Settings {
  if (login?.kind !== 'oauth' || settings.endpoint !== undefined) return settings;
  const { apiEndpoint } = login;
  return {
    ...settings,
    endpoint: { value: apiEndpoint, source: 'login' },
    config: forAnotherIssuer(settings.config),
    own: { ...settings.own, apiEndpoint, provider: login.provider as ProviderSettings },
  };
}

/** That a key in the environment is not used, and why, where that is so. */
function unusedKey({ profile, own }: Settings, environment: NodeJS.ProcessEnv): string | undefined {
  if (own.provider === undefined || !isSet(environment, 'KILOMETERS_API_KEY')) return undefined;
  return `KILOMETERS_API_KEY is not used for profile ${profile.value}, which logs in at ${own.provider.issuer}`;
}

/** Another issuer, as the profile or its login has it. */
export function issuerOf({ own, oauth }: Pick<Account, 'own' | 'oauth'>): OAuthLogin['provider'] | undefined {
  return own.provider ?? oauth?.provider;
}

/** `command` for the account that is meant, also where the environment or the active profile is another by then. */
export function commandFor(
  command: string,
  { profile, endpoint }: Pick<Settings, 'profile' | 'endpoint'>,
): string {
  const words = [command];
  if (profile.source !== 'default') words.push(`--profile ${profile.value}`);
  if (endpoint?.source === 'flag') words.push(`--endpoint ${endpoint.value}`);
  return words.join(' ');
}

/** What a stored login mints tokens with. */
export function credentialKindOf(login: StoredLogin): CredentialKind {
  if (login.kind !== 'oauth') return login.kind;
  return login.loginId === undefined ? 'client_credentials' : 'refresh_token';
}

/**
 * The account that is meant: flags, then the environment, then the profile in `config.json`, then its stored
 * login, then defaults. A stored login is for the origin that it was stored for and is used at no other.
 *
 * @throws as {@link settingsFrom}, and {@link AuthError} where the name that is given is no profile's, or no token may be
 *   sent to the endpoint that is given.
 */
export async function resolveAccount(
  flags: AccountFlags,
  environment: NodeJS.ProcessEnv,
  logins: Pick<LoginStore, 'get'> | undefined,
  configuration?: Pick<Configuration, 'activeProfile' | 'profiles'>,
): Promise<Account> {
  const given = settingsFrom(flags, environment, configuration);
  if (isOfNow(given.profile)) expectProfileName(given.profile.value);
  if (given.endpoint !== undefined && isOfNow(given.endpoint)) parseEndpoint(given.endpoint.value);
  // With both given there is nothing to look for.
  const isGiven = given.config.apiKey !== undefined && given.endpoint !== undefined;
  const stored = isGiven ? {} : await readLogin(logins, given.profile.value);
  const settings = withIssuerOf(stored.login, given);
  const { profile, own, config } = settings;
  const endpoint: Sourced<string> =
    settings.endpoint ??
    (stored.login === undefined
      ? { value: DEFAULT_API_ENDPOINT, source: 'default' }
      : { value: stored.login.apiEndpoint, source: 'login' });
  const loginCommand = commandFor('km auth login', settings);
  const account = {
    profile,
    endpoint,
    oauth: undefined,
    loggedInAtMs: undefined,
    unread: undefined,
    isOfNewerKm: false,
    loginCommand,
    own,
    config: {
      ...config,
      profile: profile.value,
      apiEndpoint: endpoint.value,
      loginCommand,
    },
  };
  if (config.apiKey !== undefined)
    return { ...account, credential: { value: 'api_key', source: 'environment' }, note: undefined };
  const { login, note = unusedKey(settings, environment) } = stored;
  if (login === undefined) return { ...account, credential: undefined, note, unread: stored.unread };
  const why = unfit(login, { profile: profile.value, endpoint: endpoint.value, provider: own.provider });
  if (why !== undefined)
    return { ...account, credential: undefined, note: why, isOfNewerKm: !isKnownLogin(login) };
  return {
    ...account,
    oauth: login.kind === 'oauth' ? login : undefined,
    loggedInAtMs: login.atMs,
    config: { ...account.config, ...configOfLogin(login, loginCommand) },
    credential: { value: credentialKindOf(login), source: 'login' },
    note: undefined,
  };
}

/** Why a stored login is not used, if it is not: it serves where it was proved, with what it was proved with. */
function unfit(
  login: StoredLogin,
  at: { readonly profile: string; readonly endpoint: string; readonly provider: ProfileSettings['provider'] },
): string | undefined {
  if (!isKnownLogin(login))
    return `the login of profile ${at.profile} was stored by a newer km: upgrade this one, or log in again with it`;
  const [wanted, loggedInTo] = [at.endpoint, login.apiEndpoint].map((url) => parseEndpoint(url).origin);
  if (wanted !== loggedInTo)
    return `profile ${at.profile} is logged in to ${loggedInTo ?? ''}; that login is not used at ${wanted ?? ''}`;
  const provider = login.kind === 'oauth' ? login.provider : undefined;
  return at.provider === undefined || isSameProvider(provider, at.provider)
    ? undefined
    : `the provider of profile ${at.profile} in config.json is not the one that was logged in to; that login is not used`;
}

async function readLogin(
  logins: Pick<LoginStore, 'get'> | undefined,
  profile: string,
): Promise<{ readonly login?: StoredLogin | undefined; readonly note?: string; readonly unread?: unknown }> {
  try {
    return { login: await logins?.get(profile) };
  } catch (error) {
    return { note: `stored logins cannot be read: ${messageOf(error)}`, unread: error };
  }
}

/** The URL of `path` at the service, keeping a path that the endpoint has of its own. */
export function serviceUrl(endpoint: string, path: string): string {
  const url = new URL(endpoint);
  return url.origin + url.pathname.replace(/\/+$/, '') + path;
}
