import { inspect } from 'node:util';
import type { DestinationStream } from 'pino';
import { TOKEN_FORMATS, type TokenFormat } from './access-token-mint.js';
import { systemClock, systemRandom, systemSleep } from './ambient.js';
import type { ApiEventListener } from './api-event.js';
import { LocalApiError } from './errors.js';
import type { RandomBytes } from './secrets.js';
import type { Tier } from './tiers.js';
import type { TroubleRule } from './trouble/rule.js';

/** An API key that is let in. */
export type ApiKeyOption = {
  readonly key: string;
  /** Taken from the key's prefix unless told. */
  readonly tier?: Tier;
  /** The account; keys with the same subject share one. Derived from the key unless told. */
  readonly subject?: string;
  /** Until when the account has its features, in ms since the epoch; not told unless given. Not kept in the database. */
  readonly featuresExpireAtMs?: number;
};

/** A machine account for the `client_credentials` grant. */
export type ClientOption = {
  readonly clientId: string;
  readonly clientSecret: string;
  /** `pro` unless told. */
  readonly tier?: Tier;
};

/** Settings of the embedded API. All are optional. */
export type LocalApiOptions = {
  /** A file, created when missing, or `:memory:` (the default). */
  readonly database?: string;
  /** API keys to let in, besides those the database knows already. */
  readonly apiKeys?: readonly (string | ApiKeyOption)[];
  /** Clients to let in, besides those the database knows already. */
  readonly clients?: readonly ClientOption[];
  /** `jwt` unless told. */
  readonly tokenFormat?: TokenFormat;
  /** Lifetime of an access token, in ms; 1 s to 30 days, 1 h unless told. */
  readonly tokenTtlMs?: number;
  /** Lifetime of a refresh token, in ms; 1 s to 10 years, 30 days unless told. */
  readonly refreshTokenTtlMs?: number;
  /** Whether logins get a refresh token; true unless told. */
  readonly issueRefreshTokens?: boolean;
  /** Whether a refresh token is replaced when it is used; true unless told. */
  readonly rotateRefreshTokens?: boolean;
  /** How long a used refresh token gets the same answer again, in ms; 0 (never) unless told. */
  readonly graceMs?: number;
  /** How long a device login may take, in ms; 10 min unless told. */
  readonly deviceCodeTtlMs?: number;
  /** Wait between two polls of a device login, in whole seconds; 5 unless told. */
  readonly deviceIntervalSeconds?: number;
  /** The biggest batch of events, unpacked, in bytes; 10 MiB unless told. */
  readonly maxBodyBytes?: number;
  /** How clients reach this API, for links and the `iss` claim; the address listened on unless told. */
  readonly publicUrl?: string;
  /** Trouble to begin with, as text or as rules. */
  readonly trouble?: readonly (string | TroubleRule)[];
  /** Is told of everything that happens. */
  readonly onEvent?: ApiEventListener;
  /** A request log: true for stderr, or a stream; off unless told. */
  readonly log?: boolean | DestinationStream;
  /** The clock, in ms since the epoch. */
  readonly now?: () => number;
  readonly randomBytes?: RandomBytes;
  /** Waits; ends early, by rejecting, when `signal` aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
};

type Optional = 'publicUrl' | 'onEvent';

/** Settings with every default in its place. */
export type Settings = Required<Omit<LocalApiOptions, Optional>> & Pick<LocalApiOptions, Optional>;

const SECOND_MS = 1_000;
const DAY_MS = 24 * 60 * 60 * SECOND_MS;
const LISTS = ['apiKeys', 'clients', 'trouble'] as const;

/**
 * Fills in the defaults.
 *
 * @throws {LocalApiError} `KM_LOCAL_API_BAD_OPTION` when a value is out of range, or none that can be used.
 */
export function resolveSettings(options: LocalApiOptions): Settings {
  const settings: Settings = {
    database: ':memory:',
    apiKeys: [],
    clients: [],
    tokenFormat: 'jwt',
    tokenTtlMs: 60 * 60 * SECOND_MS,
    refreshTokenTtlMs: 30 * DAY_MS,
    issueRefreshTokens: true,
    rotateRefreshTokens: true,
    graceMs: 0,
    deviceCodeTtlMs: 10 * 60 * SECOND_MS,
    deviceIntervalSeconds: 5,
    maxBodyBytes: 10 * 1024 * 1024,
    trouble: [],
    log: false,
    now: systemClock,
    randomBytes: systemRandom,
    sleep: systemSleep,
    ...given(options),
  };
  for (const name of LISTS) {
    if (!Array.isArray(settings[name])) throw badOption(`${name} must be a list`);
  }
  if (!TOKEN_FORMATS.includes(settings.tokenFormat)) {
    throw badOption(
      `tokenFormat must be ${TOKEN_FORMATS.join(' or ')}, not ${inspect(settings.tokenFormat)}`,
    );
  }
  inRange('tokenTtlMs', settings.tokenTtlMs, SECOND_MS, 30 * DAY_MS);
  inRange('refreshTokenTtlMs', settings.refreshTokenTtlMs, SECOND_MS, 3_650 * DAY_MS);
  inRange('graceMs', settings.graceMs, 0, DAY_MS);
  inRange('deviceCodeTtlMs', settings.deviceCodeTtlMs, SECOND_MS, DAY_MS);
  inRange('deviceIntervalSeconds', settings.deviceIntervalSeconds, 0, 60);
  inRange('maxBodyBytes', settings.maxBodyBytes, 1_024, 1024 * 1024 * 1024);
  const { publicUrl } = settings;
  if (publicUrl !== undefined && !isHttpUrl(publicUrl)) {
    throw badOption(`publicUrl must be an http or https URL, not ${inspect(publicUrl)}`);
  }
  return settings;
}

/** @returns the error for an option that cannot be used. */
export function badOption(message: string): LocalApiError {
  return new LocalApiError('KM_LOCAL_API_BAD_OPTION', message);
}

/** What is undefined is not given: a program may pass on what it was not told itself. */
function given(options: LocalApiOptions): LocalApiOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]: [string, unknown]) => value !== undefined),
  );
}

function inRange(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw badOption(`${name} must be a whole number from ${least} to ${most}, not ${value}`);
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}
