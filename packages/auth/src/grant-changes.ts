import type { GrantFailure, GrantRecord, LeftOverToken, RefreshToken } from './grant-record.js';
import type { Lateness } from './unstored-change.js';
import type { TokenGrant } from './ports.js';
import { endedLongAgo } from './refresh-policy.js';
import { coversScopes } from './scope.js';
import { Secret } from './secret.js';
import { scopesOfKey } from './token-key.js';
import type { TokenRequestFailure } from './token-request-error.js';

/** The fields of a record that may be absent. */
type OptionalField = Exclude<keyof GrantRecord, 'tokens' | 'unexplainedRequestsAtMs'>;

function without(record: GrantRecord, ...fields: readonly OptionalField[]): GrantRecord {
  const names: readonly string[] = fields;
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name))) as GrantRecord;
}

/** Notes that the refresh token with this `fingerprint` is about to be sent. */
export function withSentRefresh(record: GrantRecord, fingerprint: string, atMs: number): GrantRecord {
  return { ...record, sentRefresh: { fingerprint, atMs } };
}

/** An answer, and what was asked. */
export type StoredAnswer = {
  /** The key of the token that was asked for. */
  readonly key: string;
  readonly grant: TokenGrant;
  /** What was asked for, or what the refresh token that was sent serves; absent where that is not known. */
  readonly scopes: readonly string[] | undefined;
  readonly isRefresh: boolean;
  /** The fingerprint of the refresh token that the grant had when it was asked for this: of the one that was sent, if one was. */
  readonly before?: string | undefined;
  /** When the grant had been ended then, if it had. */
  readonly endedAtMs?: number | undefined;
  /** Whether one token was asked for, not a grant in all its scopes. */
  readonly isNarrowed?: boolean;
} & Partial<Lateness>;

/** Less than this, in milliseconds, tells nothing of whether an end was put off. */
const TELLING_AGE_MS = 5_000;

/** Whether a refresh left the end of the login where it was; `undefined` where that cannot be told. */
function hasFixedEnd(
  current: RefreshToken | undefined,
  expiresAtMs: number | undefined,
  nowMs: number,
): boolean | undefined {
  if (current?.expiresAtMs === undefined || expiresAtMs === undefined) return undefined;
  const elapsedMs = nowMs - current.issuedAtMs;
  return elapsedMs < TELLING_AGE_MS ? undefined : expiresAtMs - current.expiresAtMs < elapsedMs / 2;
}

/** The refresh token that follows: the answer's, or the one before where the answer has none (RFC 6749 §6). */
function nextRefreshToken(
  current: RefreshToken | undefined,
  { grant, scopes, isRefresh }: StoredAnswer,
): RefreshToken | undefined {
  const { refreshTokenExpiresAtMs: expiresAtMs } = grant;
  const isEndFixed =
    isRefresh && (hasFixedEnd(current, expiresAtMs, grant.token.issuedAtMs) ?? current?.isEndFixed) === true;
  if (grant.refreshToken === undefined) {
    const isLearned = isRefresh && current !== undefined && scopes !== undefined;
    return isLearned ? { scopes, ...current } : current;
  }
  return {
    secret: grant.refreshToken,
    ...(scopes !== undefined && { scopes }),
    issuedAtMs: grant.token.issuedAtMs,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    ...(isEndFixed && { isEndFixed }),
  };
}

/** Whether a human has ended a grant since it was known as ended at `endedAtMs`, or as not ended at all. */
function hasEndedSince(record: GrantRecord, endedAtMs: number | undefined): boolean {
  return record.endedAtMs !== undefined && record.endedAtMs !== endedAtMs;
}

/** Keeps what nobody wants any more, for who ends the grant once more. */
export function withLeftOver(record: GrantRecord, won: readonly LeftOverToken[]): GrantRecord {
  const { leftOver = [] } = record;
  const known = leftOver.map(({ token }) => token.fingerprint);
  const more = won.filter(({ token }) => !known.includes(token.fingerprint));
  return more.length === 0 ? record : { ...record, leftOver: [...leftOver, ...more] };
}

/** Forgets those of them that have been ended. */
export function withoutLeftOver(record: GrantRecord, ended: readonly LeftOverToken[]): GrantRecord {
  const { leftOver = [] } = record;
  const fingerprints = ended.map(({ token }) => token.fingerprint);
  const others = leftOver.filter(({ token }) => !fingerprints.includes(token.fingerprint));
  if (others.length === leftOver.length) return record;
  return others.length === 0 ? without(record, 'leftOver') : { ...record, leftOver: others };
}

/** The tokens in an answer, in the order in which they are to end. */
function tokensIn({ token, refreshToken }: TokenGrant): readonly LeftOverToken[] {
  const access = { kind: 'access_token', token: new Secret(token.reveal()) } as const;
  return refreshToken === undefined ? [access] : [{ kind: 'refresh_token', token: refreshToken }, access];
}

/**
 * Whether another process, which took this one for dead, or a human has replaced the refresh token that the grant had.
 * Where the answer's own is stored already, the answer was stored by half, and this is the rest of it. Where it was
 * removed since the answer came, somebody has logged out, or found it refused: it must not come back.
 */
function isOvertaken({ refreshToken }: GrantRecord, answer: StoredAnswer): boolean {
  const { isRefresh, before, grant, isGone = false } = answer;
  if (isRefresh && before === undefined) return false;
  if (refreshToken === undefined) return isGone;
  return ![before, grant.refreshToken?.fingerprint].includes(refreshToken.secret.fingerprint);
}

/** Whether what is noted as sent is over with the answer: not where another process has sent its successor since. */
function isSettledBy({ sentRefresh }: GrantRecord, { isRefresh, before, grant }: StoredAnswer): boolean {
  if (isRefresh) return before === undefined || sentRefresh?.fingerprint === before;
  // A token that was minted beside the refresh token says nothing of what became of that.
  return grant.refreshToken !== undefined && sentRefresh?.fingerprint !== grant.refreshToken.fingerprint;
}

/** Whether another process has stored a token that is newer than the answer's. */
function hasNewer({ tokens }: GrantRecord, key: string, { grant }: StoredAnswer): boolean {
  return (tokens.get(key)?.issuedAtMs ?? 0) > grant.token.issuedAtMs;
}

/** What is left of an answer whose grant has another refresh token by now: a token that was minted is good beside that. */
function withTokenBeside(record: GrantRecord, answer: StoredAnswer): GrantRecord {
  const { key, grant, isRefresh } = answer;
  if (isRefresh || record.refreshToken === undefined || hasNewer(record, key, answer)) return record;
  return { ...record, tokens: new Map(record.tokens).set(key, grant.token) };
}

/**
 * Stores an answer: the refresh token; the token under its own scope, if it serves that, and, since a refresh renews the
 * whole grant, under every other one of it that has a token already; and that nothing is amiss any more, unless that came
 * since. Tokens that ended long ago go: a grant with ever new scopes would have ever more of them. What another process has stored meanwhile, from the same refresh token or from a new login, stays: it is newer.
 */
export function withAnswer(record: GrantRecord, answer: StoredAnswer): GrantRecord {
  // What was asked for before that is not wanted any more, by whichever process: of a login it would be a login again.
  if (hasEndedSince(record, answer.endedAtMs)) return withLeftOver(record, tokensIn(answer.grant));
  if (isOvertaken(record, answer)) return withTokenBeside(record, answer);
  const { key, grant, isRefresh, isLate = false } = answer;
  const tokens = new Map(record.tokens);
  const put = (under: string): void => {
    if (!isLate || !hasNewer(record, under, answer)) tokens.set(under, grant.token);
  };
  if (isRefresh && !answer.isNarrowed) {
    const covered = answer.scopes ?? grant.token.scopes;
    for (const other of record.tokens.keys()) {
      if (coversScopes(covered, scopesOfKey(other))) put(other);
    }
  }
  if (answer.scopes === undefined || coversScopes(answer.scopes, scopesOfKey(key))) put(key);
  for (const [under, token] of tokens) {
    if (endedLongAgo(token, grant.token.issuedAtMs)) tokens.delete(under);
  }
  const isAmissSince = isLate && (record.lastFailure?.atMs ?? 0) > grant.token.issuedAtMs;
  const refreshToken = nextRefreshToken(record.refreshToken, answer);
  const proofKey = grant.proofKey ?? grant.token.proofKey ?? record.proofKey;
  return {
    ...without(
      isSettledBy(record, answer) ? withoutSentRefresh(record) : record,
      ...(isAmissSince ? [] : (['lastFailure', 'notBeforeMs'] as const)),
      'refreshToken',
      'endedAtMs',
    ),
    tokens,
    ...(refreshToken !== undefined && { refreshToken }),
    ...(proofKey !== undefined && { proofKey }),
  };
}

/** Stores what replaces the refresh token that was sent, of an answer that brought no token. */
export function withSuccessor(
  record: GrantRecord,
  sent: string,
  successor: NonNullable<TokenRequestFailure['successor']>,
  { isGone, endedAtMs }: Lateness & Pick<StoredAnswer, 'endedAtMs'>,
): GrantRecord {
  const { refreshToken: current } = record;
  const { secret, expiresAtMs, issuedAtMs } = successor;
  if (hasEndedSince(record, endedAtMs))
    return withLeftOver(record, [{ kind: 'refresh_token', token: secret }]);
  // As after an answer: what another process has stored meanwhile stays, and what is gone stays gone.
  const isOwn = [sent, secret.fingerprint].includes(current?.secret.fingerprint ?? '');
  if (current === undefined ? isGone : !isOwn) return record;
  const isEndFixed = hasFixedEnd(current, expiresAtMs, issuedAtMs) ?? current?.isEndFixed;
  return {
    ...without(record.sentRefresh?.fingerprint === sent ? withoutSentRefresh(record) : record, 'endedAtMs'),
    refreshToken: {
      ...(current?.scopes !== undefined && { scopes: current.scopes }),
      ...successor,
      ...(isEndFixed === true && { isEndFixed }),
    },
  };
}

/** Notes a failure, and until when the service asked to be left alone. Nothing else is touched. */
export function withFailure(
  record: GrantRecord,
  lastFailure: GrantFailure,
  notBeforeMs: number | undefined,
): GrantRecord {
  const rested = without(record, 'notBeforeMs');
  return { ...rested, lastFailure, ...(notBeforeMs !== undefined && { notBeforeMs }) };
}

/** Notes that no refresh token is under way whose fate is unknown. */
export function withoutSentRefresh(record: GrantRecord): GrantRecord {
  return without(record, 'sentRefresh');
}

/** Compare-and-clear: removes the refresh token with this fingerprint, and the key that it was bound to, and only these. */
export function withoutRefreshToken(record: GrantRecord, fingerprint: string): GrantRecord {
  return record.refreshToken?.secret.fingerprint === fingerprint
    ? without(record, 'refreshToken', 'sentRefresh', 'proofKey')
    : record;
}

/** Removes one access token, under whatever scopes it is stored. */
export function withoutToken(record: GrantRecord, fingerprint: string): GrantRecord {
  const others = [...record.tokens].filter(([, token]) => token.fingerprint !== fingerprint);
  return { ...record, tokens: new Map(others) };
}

/** Removes every access token. */
export function withoutTokens(record: GrantRecord): GrantRecord {
  return { ...record, tokens: new Map() };
}
