import {
  isAuthError,
  isProfileName,
  isRefreshSetting,
  parseDurationMs,
  parseEndpoint,
  PROFILE_NAME_FORM,
  refreshSettingRange,
  type RefreshSettings,
} from '@kilometers/auth';
import {
  CONFIGURATION_VERSION,
  REFRESH_MEMBERS,
  type Configuration,
  type ProfileSettings,
  type ProviderSettings,
} from './configuration.js';

/** The way to a value in a document: names of members, and places in lists. */
export type JsonPath = readonly (string | number)[];

/** A value that may not be there, and what may. Never the value itself: it could be a secret in the wrong place. */
export class Flaw extends Error {
  readonly at: JsonPath;

  constructor(at: JsonPath, message: string) {
    super(message);
    this.at = at;
  }
}

/** The file was written by a newer version, whose words this one does not know. */
export class NewerVersion extends Flaw {}

type Members = Readonly<Record<string, unknown>>;

function membersOf(value: unknown, at: JsonPath, what: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  throw new Flaw(at, `${what} must be an object in braces`);
}

function checkVersion(version: unknown): void {
  if (version === undefined) return;
  if (!Number.isInteger(version) || Number(version) < 1)
    throw new Flaw(['version'], `the version must be ${CONFIGURATION_VERSION}`);
  if (Number(version) > CONFIGURATION_VERSION)
    throw new NewerVersion(
      ['version'],
      `it was written by a newer version of km (version ${Number(version)})`,
    );
}

function checkName(name: string, at: JsonPath): void {
  if (isProfileName(name)) return;
  throw new Flaw(at, `the name of a profile has ${PROFILE_NAME_FORM}`);
}

/** What a terminal would obey, where it is shown. */
const CONTROL = /\p{Cc}/u;

function endpointOf(value: unknown, at: JsonPath): string {
  if (typeof value !== 'string') throw new Flaw(at, 'it must be a URL in quotes');
  if (CONTROL.test(value)) throw new Flaw(at, 'it must be a URL without control characters');
  try {
    parseEndpoint(value);
    return value;
  } catch (error) {
    if (isAuthError(error, 'KM_AUTH_INSECURE_ENDPOINT'))
      throw new Flaw(
        at,
        'plain http would show tokens to the network: use https (http is for loopback only)',
      );
    throw new Flaw(at, 'it must be a URL such as https://api.kilometers.ai, without a user name or password');
  }
}

function providerOf(value: unknown, at: JsonPath): ProviderSettings {
  const members = membersOf(value, at, 'a provider');
  const issuer = endpointOf(members['issuer'], [...at, 'issuer']);
  const { clientId } = members;
  if (clientId !== undefined && (typeof clientId !== 'string' || clientId === '' || CONTROL.test(clientId)))
    throw new Flaw([...at, 'clientId'], 'it must be a text in quotes, without control characters');
  return { ...members, issuer };
}

/** How a number is written. */
const FORMS = {
  count: {
    form: 'a whole number',
    read: (value: unknown): number => (typeof value === 'number' ? value : Number.NaN),
  },
  duration: {
    form: 'a duration in quotes, such as "30s", "5m" or "1h",',
    read: (value: unknown): number =>
      Math.round((typeof value === 'string' ? parseDurationMs(value) : undefined) ?? Number.NaN),
  },
};

function refreshOf(members: Members, at: JsonPath): Partial<RefreshSettings> {
  const refresh: { -readonly [K in keyof RefreshSettings]?: number } = {};
  for (const [member, setting] of REFRESH_MEMBERS) {
    const value = members[member];
    if (value === undefined) continue;
    const { read, form } = FORMS[setting === 'maxRetries' ? 'count' : 'duration'];
    const number = read(value);
    if (!isRefreshSetting(setting, number))
      throw new Flaw([...at, member], `it must be ${form} ${refreshSettingRange(setting)}`);
    refresh[setting] = number;
  }
  return refresh;
}

function profileOf(value: unknown, at: JsonPath): ProfileSettings {
  const members = membersOf(value, at, 'a profile');
  const { apiEndpoint, provider } = members;
  return {
    ...(apiEndpoint !== undefined && { apiEndpoint: endpointOf(apiEndpoint, [...at, 'apiEndpoint']) }),
    ...(provider !== undefined && { provider: providerOf(provider, [...at, 'provider']) }),
    refresh: refreshOf(members, at),
  };
}

/**
 * What a parsed `config.json` says. Members that are not known are passed over.
 *
 * @throws {Flaw} where a value is none that may be there.
 */
export function checkConfiguration(document: unknown): Omit<Configuration, 'path'> {
  const members = membersOf(document, [], 'the file');
  checkVersion(members['version']);
  const { activeProfile, profiles } = members;
  if (activeProfile !== undefined) {
    if (typeof activeProfile !== 'string') throw new Flaw(['activeProfile'], 'it must be a name in quotes');
    checkName(activeProfile, ['activeProfile']);
  }
  const entries = Object.entries(profiles === undefined ? {} : membersOf(profiles, ['profiles'], 'it'));
  return {
    activeProfile,
    profiles: new Map(
      entries.map(([name, value]) => {
        checkName(name, ['profiles', name]);
        return [name, profileOf(value, ['profiles', name])];
      }),
    ),
  };
}
