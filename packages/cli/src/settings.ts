import {
  authConfigFromEnvironment,
  DEFAULT_API_ENDPOINT,
  parseEndpoint,
  type AuthManagerConfig,
  type LoginStore,
  type StoredLogin,
} from '@kilometers/auth';

/** The flags that say which account and which service; every command that needs a token has them. */
export type AccountFlags = { readonly profile?: string; readonly endpoint?: string };

/** Where a setting came from. */
export type SettingSource = 'flag' | 'environment' | 'login' | 'default';

/** A setting, and where it came from. */
export type Sourced<T> = { readonly value: T; readonly source: SettingSource };

/** Whose tokens are meant, where they come from and what brings them. */
export type Account = {
  readonly profile: Sourced<string>;
  readonly endpoint: Sourced<string>;
  /** What mints tokens; `undefined` when nobody is logged in. */
  readonly credential: Sourced<StoredLogin['kind']> | undefined;
  /** The manager's configuration without its cache. */
  readonly config: AuthManagerConfig;
  /** A stored login that is not used, or cannot be read, and why. */
  readonly note: string | undefined;
};

const LOGIN_COMMAND = 'km auth login --api-key-stdin';

type Settings = {
  readonly profile: Sourced<string>;
  /** What flags and environment say. */
  readonly endpoint: Sourced<string> | undefined;
  readonly config: AuthManagerConfig;
};

function firstOf<T>(
  flag: T | undefined,
  environment: T | undefined,
): { readonly value: T; readonly source: 'flag' | 'environment' } | undefined {
  if (flag !== undefined) return { value: flag, source: 'flag' };
  return environment === undefined ? undefined : { value: environment, source: 'environment' };
}

/** What flags and environment say, flags first. */
export function settingsFrom(flags: AccountFlags, environment: NodeJS.ProcessEnv): Settings {
  const config = authConfigFromEnvironment(environment);
  return {
    profile: firstOf(flags.profile, config.profile) ?? { value: 'default', source: 'default' },
    endpoint: firstOf(flags.endpoint, config.apiEndpoint),
    config,
  };
}

/** The command that logs `profile` in, for those who are told to. */
function loginCommandFor({ profile, endpoint }: Pick<Settings, 'profile' | 'endpoint'>): string {
  const words = [LOGIN_COMMAND];
  if (profile.source === 'flag') words.push(`--profile ${profile.value}`);
  if (endpoint?.source === 'flag') words.push(`--endpoint ${endpoint.value}`);
  return words.join(' ');
}

/** What a stored login gives the manager. */
function credentialOf(login: StoredLogin): AuthManagerConfig {
  if (login.kind === 'api_key') return { apiKey: login.apiKey };
  return { clientCredentials: { clientId: login.clientId, clientSecret: login.clientSecret } };
}

/**
 * The account that is meant: flags, then the environment, then the profile's stored login, then defaults. A
 * stored login is for the origin that it was stored for and is used at no other.
 */
export async function resolveAccount(
  flags: AccountFlags,
  environment: NodeJS.ProcessEnv,
  logins: Pick<LoginStore, 'get'> | undefined,
): Promise<Account> {
  const settings = settingsFrom(flags, environment);
  const { profile, config } = settings;
  const hasKey = config.apiKey !== undefined;
  // With both given there is nothing to look for.
  const stored = hasKey && settings.endpoint !== undefined ? {} : await readLogin(logins, profile.value);
  const endpoint: Sourced<string> =
    settings.endpoint ??
    (stored.login === undefined
      ? { value: DEFAULT_API_ENDPOINT, source: 'default' }
      : { value: stored.login.apiEndpoint, source: 'login' });
  const account = {
    profile,
    endpoint,
    config: {
      ...config,
      profile: profile.value,
      apiEndpoint: endpoint.value,
      loginCommand: loginCommandFor(settings),
    },
  };
  if (hasKey) return { ...account, credential: { value: 'api_key', source: 'environment' }, note: undefined };
  const { login, note } = stored;
  if (login === undefined) return { ...account, credential: undefined, note };
  const [wanted, own] = [parseEndpoint(endpoint.value).origin, parseEndpoint(login.apiEndpoint).origin];
  if (wanted !== own) {
    const why = `profile ${profile.value} is logged in to ${own}; that login is not used at ${wanted}`;
    return { ...account, credential: undefined, note: why };
  }
  return {
    ...account,
    config: { ...account.config, ...credentialOf(login) },
    credential: { value: login.kind, source: 'login' },
    note: undefined,
  };
}

async function readLogin(
  logins: Pick<LoginStore, 'get'> | undefined,
  profile: string,
): Promise<{ readonly login?: StoredLogin | undefined; readonly note?: string | undefined }> {
  try {
    return { login: await logins?.get(profile) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { note: `stored logins cannot be read: ${why}` };
  }
}

/** The URL of `path` at the service, keeping a path that the endpoint has of its own. */
export function serviceUrl(endpoint: string, path: string): string {
  const url = new URL(endpoint);
  return url.origin + url.pathname.replace(/\/+$/, '') + path;
}
