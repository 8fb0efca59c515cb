import {
  dueAtMs,
  formatDuration,
  isUsable,
  type GrantKey,
  type GrantRecord,
  type KeySource,
} from '@kilometers/auth';
import type { Account, SettingSource } from './settings.js';

/** How a token is: good, past its refresh point but good, or not to be sent. */
export type TokenState = 'fresh' | 'due' | 'expired';

/** One scope of a login. */
export type ScopeStatus = {
  readonly scope: string;
  readonly state: TokenState;
  /** RFC 3339, as all times here. */
  readonly expiresAt: string;
  /** When the next refresh is due. */
  readonly refreshAt: string;
};

/** What `km auth status --json` prints. Members may be added; those here stay. */
export type AccountStatus = {
  readonly profile: string;
  readonly profileFrom: SettingSource;
  readonly endpoint: string;
  readonly endpointFrom: SettingSource;
  readonly credential: 'api_key' | 'client_credentials' | 'refresh_token' | null;
  readonly credentialFrom: SettingSource | null;
  readonly refreshesWithoutHuman: boolean;
  readonly scopes: readonly ScopeStatus[];
  readonly lastFailure: { readonly code: string; readonly message: string; readonly at: string } | null;
  /** A stored login that is not used, or cannot be read, and why. */
  readonly note: string | null;
  readonly cache: {
    readonly kind: string;
    readonly keySource: KeySource | null;
    readonly folder: string | null;
  };
};

/** What status is made from. */
export type StatusInput = {
  readonly account: Account;
  /** The stored grants of this account, each with what is in it. */
  readonly grants: readonly { readonly key: GrantKey; readonly record: GrantRecord }[];
  readonly cache: AccountStatus['cache'];
  readonly refreshAheadMs: number;
  readonly nowMs: number;
};

function at(ms: number): string {
  return new Date(ms).toISOString();
}

/** How an account is at `nowMs`. */
export function statusOf({ account, grants, cache, refreshAheadMs, nowMs }: StatusInput): AccountStatus {
  const scopes = grants.flatMap(({ record }) =>
    [...record.tokens].map(([scope, token]): ScopeStatus => {
      const refreshAtMs = dueAtMs(token, refreshAheadMs, 0);
      const state = !isUsable(token, nowMs) ? 'expired' : nowMs >= refreshAtMs ? 'due' : 'fresh';
      return { scope, state, expiresAt: at(token.expiresAtMs), refreshAt: at(refreshAtMs) };
    }),
  );
  const [failure] = grants
    .flatMap(({ record }) => record.lastFailure ?? [])
    .sort((one, other) => other.atMs - one.atMs);
  const hasRefreshToken = grants.some(
    ({ record: { refreshToken } }) =>
      refreshToken !== undefined && (refreshToken.expiresAtMs ?? Number.POSITIVE_INFINITY) > nowMs,
  );
  return {
    profile: account.profile.value,
    profileFrom: account.profile.source,
    endpoint: account.endpoint.value,
    endpointFrom: account.endpoint.source,
    credential: account.credential?.value ?? (hasRefreshToken ? 'refresh_token' : null),
    credentialFrom: account.credential?.source ?? (hasRefreshToken ? 'login' : null),
    refreshesWithoutHuman: account.credential !== undefined || hasRefreshToken,
    scopes: scopes.sort((one, other) => (one.scope < other.scope ? -1 : 1)),
    lastFailure:
      failure === undefined ? null : { code: failure.code, message: failure.message, at: at(failure.atMs) },
    note: account.note ?? null,
    cache,
  };
}

const CREDENTIALS = {
  api_key: 'API key',
  client_credentials: 'client credentials',
  refresh_token: 'refresh token',
} as const;

/** In words, where a setting came from. */
const SOURCES: Readonly<Record<SettingSource, string>> = {
  flag: 'from a flag',
  environment: 'from the environment',
  config: 'from config.json',
  login: 'from the login',
  default: 'the default',
};

function scopeLine({ scope, state, expiresAt, refreshAt }: ScopeStatus, nowMs: number): string {
  const leftMs = Date.parse(expiresAt) - nowMs;
  if (state === 'expired') return `  ${scope}: expired`;
  const dueInMs = Date.parse(refreshAt) - nowMs;
  const refresh = state === 'due' ? 'refresh is due now' : `refresh in ${formatDuration(dueInMs)}`;
  return `  ${scope}: ${state}, expires in ${formatDuration(leftMs)}, ${refresh}`;
}

/** The status for a human, a line a fact. */
export function statusLines(status: AccountStatus, nowMs: number): readonly string[] {
  const { credential, credentialFrom, cache, lastFailure } = status;
  const login =
    credential === null || credentialFrom === null
      ? '  login: nobody is logged in'
      : `  login: ${CREDENTIALS[credential]}, ${SOURCES[credentialFrom]}`;
  return [
    `profile ${status.profile} (${SOURCES[status.profileFrom]})`,
    `  endpoint: ${status.endpoint}`,
    `    ${SOURCES[status.endpointFrom]}`,
    login,
    `  refreshes without a human: ${status.refreshesWithoutHuman ? 'yes' : 'no'}`,
    ...(status.scopes.length === 0 ? ['  tokens: none yet'] : []),
    ...status.scopes.map((scope) => scopeLine(scope, nowMs)),
    ...(lastFailure === null ? [] : [`  last failure: ${lastFailure.code}, ${lastFailure.at}`]),
    ...(lastFailure === null ? [] : folded(lastFailure.message)),
    ...(status.note === null ? [] : folded(status.note)),
    `  cache: ${cache.kind}${cache.keySource === null ? '' : `, its key from the ${KEY_SOURCES[cache.keySource]}`}`,
    ...(cache.folder === null ? [] : [`    ${cache.folder}`]),
  ];
}

const KEY_SOURCES: Readonly<Record<KeySource, string>> = { keyring: 'OS keyring', file: 'key file' };

const WIDTH = 76;

/** A text in lines of at most 80 columns; a word that is longer stays whole. */
function folded(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => `    ${each}`);
}
