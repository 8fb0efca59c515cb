import { dueAtMs, isUsable, type GrantRecord, type KeySource } from '@kilometers/auth';
import type { CredentialKind } from '../credential-kind.js';
import { scopeOfKey } from '../grant-of-account.js';
import type { Hindrance } from '../hindrance.js';
import type { Account, SettingSource } from '../settings.js';
import { issuerStatus, type IssuerStatus } from './issuer-status.js';
import { mintOf, outlookOf, refreshesWithoutHuman, type Outlook } from './outlook.js';
import { isDuration, type RefreshSetting } from './setting-sources.js';
import type { TokenCheck } from './token-checks.js';

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

/** One profile in `km auth status --json`. Members may be added; those here stay. */
export type ProfileStatus = {
  readonly profile: string;
  readonly isActive: boolean;
  readonly endpoint: string;
  readonly endpointFrom: SettingSource;
  readonly credential: CredentialKind | null;
  readonly credentialFrom: SettingSource | null;
  /** The login, where another issuer than the Kilometers API has it. */
  readonly oauth: IssuerStatus | null;
  /** Whether the next token is won without a human. */
  readonly refreshesWithoutHuman: boolean;
  /** When that ends, where the server told. */
  readonly refreshesUntil: string | null;
  /** Whether no refresh puts that end off. */
  readonly isEndFixed: boolean;
  /** Whether it will work tomorrow with nobody there. */
  readonly outlook: Outlook;
  readonly scopes: readonly ScopeStatus[];
  readonly lastFailure: { readonly code: string; readonly message: string; readonly at: string } | null;
  readonly settings: Readonly<Record<string, { readonly value: number; readonly from: SettingSource }>>;
  /** A stored login that is not used, or cannot be read, and why. */
  readonly note: string | null;
  /** What the server says of the tokens; `null` where it was not asked. */
  readonly checks: readonly TokenCheck[] | null;
};

/** Where tokens are kept. */
export type CacheStatus = {
  readonly kind: string;
  readonly keySource: KeySource | 'environment' | null;
  readonly folder: string | null;
  /** Where Redis is; `null` where tokens are not kept there. */
  readonly address: string | null;
  /** The variable that says which folder; `null` where it is where it always is. */
  readonly folderFrom: string | null;
};

/** What `km auth status --json` prints. Members may be added; those here stay. */
export type StatusReport = {
  readonly active: string;
  readonly activeFrom: SettingSource;
  readonly profiles: readonly ProfileStatus[];
  readonly cache: CacheStatus;
};

/** What a profile's status is made from. */
export type StatusInput = {
  readonly account: Account;
  readonly isActive: boolean;
  /** What is stored of the account's grant. */
  readonly record: GrantRecord | undefined;
  readonly settings: readonly RefreshSetting[];
  readonly nowMs: number;
  /** What keeps a login that is stored from being used. */
  readonly hindrance?: Hindrance | undefined;
  readonly checks?: readonly TokenCheck[] | undefined;
};

function at(ms: number): string {
  return new Date(ms).toISOString();
}

/** How an account is at `nowMs`. */
export function profileStatus({
  account,
  isActive,
  record,
  settings,
  nowMs,
  hindrance,
  checks,
}: StatusInput): ProfileStatus {
  const refreshAheadMs = settings.find(({ name }) => name === 'refreshAhead')?.value ?? 0;
  const tokens = [...(record?.tokens ?? [])];
  const scopes = tokens.map(([key, token]): ScopeStatus => {
    const refreshAtMs = dueAtMs(token, refreshAheadMs, 0);
    const state = !isUsable(token, nowMs) ? 'expired' : nowMs >= refreshAtMs ? 'due' : 'fresh';
    return {
      scope: scopeOfKey(key, account),
      state,
      expiresAt: at(token.expiresAtMs),
      refreshAt: at(refreshAtMs),
    };
  });
  const { refreshToken, lastFailure: failure } = record ?? {};
  const hasUsableToken = tokens.some(([, token]) => isUsable(token, nowMs));
  const input = { account, refreshToken, failure, hindrance, hasUsableToken, nowMs };
  const endsAtMs = mintOf(account) === undefined ? refreshToken?.expiresAtMs : undefined;
  const credential = account.credential ?? (refreshToken && { value: 'refresh_token', source: 'login' });
  return {
    profile: account.profile.value,
    isActive,
    endpoint: account.endpoint.value,
    endpointFrom: account.endpoint.source,
    credential: credential?.value ?? null,
    credentialFrom: credential?.source ?? null,
    oauth: account.oauth === undefined ? null : issuerStatus(account.oauth),
    refreshesWithoutHuman: refreshesWithoutHuman(input),
    refreshesUntil: endsAtMs === undefined ? null : at(endsAtMs),
    isEndFixed: endsAtMs !== undefined && refreshToken?.isEndFixed === true,
    outlook: outlookOf(input),
    scopes: scopes.sort((one, other) => (one.scope < other.scope ? -1 : 1)),
    lastFailure:
      failure === undefined ? null : { code: failure.code, message: failure.message, at: at(failure.atMs) },
    settings: Object.fromEntries(
      settings.map(({ name, value, source }) => [
        isDuration({ name }) ? `${name}Ms` : name,
        { value, from: source },
      ]),
    ),
    note: account.note ?? null,
    checks: checks ?? null,
  };
}
