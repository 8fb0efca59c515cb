import type { RefreshSettings } from '@kilometers/auth';

/** Who issues a profile's tokens, where it is not the Kilometers API. What else is there belongs to that issuer's login. */
export type ProviderSettings = {
  /** The issuer, as a URL: https, or http to loopback. */
  readonly issuer: string;
  readonly clientId?: string;
  readonly [other: string]: unknown;
};

/** What `config.json` says of a profile. */
export type ProfileSettings = {
  readonly apiEndpoint?: string;
  readonly provider?: ProviderSettings;
  /** Durations in milliseconds, whatever they are in the file. */
  readonly refresh: Partial<RefreshSettings>;
};

/** What `config.json` says. */
export type Configuration = {
  /** The file, whether it is there or not; `undefined` for a user without a home. */
  readonly path: string | undefined;
  readonly activeProfile: string | undefined;
  readonly profiles: ReadonlyMap<string, ProfileSettings>;
};

/** What is said of the other profiles than `name`. */
export function withoutProfile(configuration: Configuration, name: string | undefined): Configuration {
  const others = [...configuration.profiles].filter(([other]) => other !== name);
  return { ...configuration, profiles: new Map(others) };
}

/** `config.json` as it is in the file: what is not known in it is kept. */
export type ConfigurationJson = {
  readonly version?: number;
  readonly activeProfile?: string;
  readonly profiles?: Readonly<Record<string, ProfileJson>>;
  readonly [unknown: string]: unknown;
};

/** A profile as it is in the file: durations as texts, such as `5m`. */
export type ProfileJson = {
  readonly apiEndpoint?: string;
  readonly provider?: ProviderSettings;
  readonly [other: string]: unknown;
};

/** The form of `config.json` that is written, and the newest that is read. */
export const CONFIGURATION_VERSION = 1;

/** The members of a profile that say how its tokens are refreshed, and the manager's option that each sets. */
export const REFRESH_MEMBERS: ReadonlyMap<string, keyof RefreshSettings> = new Map([
  ['refreshAhead', 'refreshAheadMs'],
  ['retryInterval', 'retryIntervalMs'],
  ['maxRetries', 'maxRetries'],
  ['checkInterval', 'checkIntervalMs'],
  ['requestTimeout', 'requestTimeoutMs'],
  ['refreshDeadline', 'refreshDeadlineMs'],
]);
