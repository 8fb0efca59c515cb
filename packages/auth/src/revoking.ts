import { AuthError } from './auth-error.js';
import type { Revocation, UntoldToken } from './auth-manager.js';
import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import { withLeftOver, withoutLeftOver, withoutRefreshToken, withoutToken } from './grant-changes.js';
import { EMPTY_GRANT, type GrantRecord, type LeftOverToken } from './grant-record.js';
import type { GrantStore } from './grant-store.js';
import { endsWithItsLogin, partWithScopes, partWithTokens } from './parting.js';
import type { RevocableToken, TokenProvider } from './ports.js';
import { asAuthError } from './provider-failure.js';
import type { Scope } from './scope.js';
import { Secret } from './secret.js';
import { targetSuffix, tokenKey } from './token-key.js';
import type { TokenMemory } from './token-memory.js';

export type RevokingOptions = {
  readonly provider: TokenProvider;
  readonly store: GrantStore;
  readonly memory: TokenMemory;
  readonly events: EventPublisher;
  readonly clock: Clock;
};

/** What was taken, in the order in which it is to end. */
type Taken = {
  readonly tokens: readonly LeftOverToken[];
  readonly isCleared: boolean;
  /** Is told of which of them the issuer knows, or never can. */
  readonly settle: (tokens: readonly LeftOverToken[]) => Promise<void>;
};

/**
 * As `AuthManager.revoke`. What is taken stays in the cache as left over until its issuer knows: a process that is killed
 * in between, or offline, leaves it to whoever ends the grant once more.
 */
export async function revokeTokens(scope: Scope | undefined, options: RevokingOptions): Promise<Revocation> {
  const { provider, store } = options;
  const key = scope === undefined ? undefined : tokenKey(scope, targetSuffix(provider.issuer?.target ?? {}));
  return store.transact(async () => {
    const { tokens, isCleared, settle } = await take(key, options);
    const untold = await tell(tokens, provider);
    const waiting = untold.filter(({ error }) => error.isRetryable).map(({ token }) => token);
    await settle(tokens.filter(({ token }) => !waiting.includes(token)));
    return { ended: tokens.length, untold, isCleared };
  });
}

/** Takes the tokens of the grant, or those with this key, out of cache and memory: under the lock, as a refresh would. */
async function take(key: string | undefined, options: RevokingOptions): Promise<Taken> {
  const { store, memory, clock } = options;
  const { record, isRead } = await store.look();
  if (!isRead) throw unreadableError();
  const nowMs = clock.nowMs();
  const part = key === undefined ? partWithTokens(nowMs) : partWithScopes([key]);
  const held = memory.tokens(key);
  let tokens = together(
    part(record).taken,
    held.map(([, token]) => ({ kind: 'access_token', token })),
  );
  let settled: readonly LeftOverToken[] = [];
  const isCleared = await store.update((current, { isLate }) => {
    if (current === EMPTY_GRANT && tokens.length === 0) return current;
    const parting = part(current);
    if (!isLate) tokens = together(tokens, parting.taken);
    // What others have won until it could be stored is not what was to end.
    const left = isLate ? withoutThese(current, tokens, key === undefined ? nowMs : undefined) : parting.left;
    return withLeftOver(
      left,
      tokens.filter((token) => !settled.includes(token)),
    );
  });
  const fingerprints = tokens.map(({ token }) => token.fingerprint);
  memory.remove(key, fingerprints);
  publishEnd(tokens, [...record.tokens, ...held], options.events);
  return {
    tokens,
    isCleared,
    settle: async (done) => {
      settled = done;
      if (done.length > 0) await store.note((current) => withoutLeftOver(current, done));
    },
  };
}

/** Each token once, in the order in which they are to end. */
function together(
  tokens: readonly RevocableToken[],
  others: readonly RevocableToken[],
): readonly LeftOverToken[] {
  const known = new Map<string, LeftOverToken>();
  for (const { kind, token } of [...tokens, ...others]) {
    const text = token.reveal();
    if (!known.has(text))
      known.set(text, { kind, token: token instanceof Secret ? token : new Secret(text) });
  }
  return [...known.values()].sort((one, other) => Number(isAccess(one)) - Number(isAccess(other)));
}

function isAccess({ kind }: RevocableToken): boolean {
  return kind === 'access_token';
}

/** Compare-and-clear. @param endedAtMs where it was all of the grant. */
function withoutThese(
  record: GrantRecord,
  tokens: readonly LeftOverToken[],
  endedAtMs: number | undefined,
): GrantRecord {
  const left = tokens.reduce(
    (rest, { kind, token: { fingerprint } }) =>
      kind === 'access_token' ? withoutToken(rest, fingerprint) : withoutRefreshToken(rest, fingerprint),
    record,
  );
  const isOver = left.refreshToken === undefined && left.tokens.size === 0;
  return isOver && endedAtMs !== undefined ? { ...left, endedAtMs } : left;
}

function publishEnd(
  tokens: readonly LeftOverToken[],
  known: readonly (readonly [string, AuthToken])[],
  events: EventPublisher,
): void {
  const told = new Set<string>();
  for (const {
    kind,
    token: { fingerprint },
  } of tokens) {
    if (kind === 'refresh_token')
      events.publish({ type: 'grant.cleared', refreshToken: fingerprint, reason: 'it was revoked' });
    for (const [scope, token] of known) {
      if (token.fingerprint !== fingerprint || told.has(scope + fingerprint)) continue;
      told.add(scope + fingerprint);
      events.publish({ type: 'token.revoked', scope, token: fingerprint });
    }
  }
}

/** Tells the issuer, one after the other. Where it did not answer it is not asked again. */
async function tell(
  tokens: readonly LeftOverToken[],
  provider: TokenProvider,
): Promise<readonly UntoldToken[]> {
  const untold: UntoldToken[] = [];
  let silence: AuthError | undefined;
  for (const each of tokens) {
    const error = silence ?? (await whyUntold(each, provider));
    if (error === undefined || (untold.length === 0 && endsWithItsLogin(error, each, tokens))) continue;
    if (error.isRetryable) silence = error;
    untold.push({ ...each, error });
  }
  return untold;
}

async function whyUntold(token: RevocableToken, provider: TokenProvider): Promise<AuthError | undefined> {
  if (provider.revoke === undefined) {
    return new AuthError(
      'KM_AUTH_CONFIGURATION',
      'the provider has no `revoke`: the tokens are gone from here, and end at their issuer by themselves',
    );
  }
  try {
    await provider.revoke(token);
    return undefined;
  } catch (thrown) {
    return asAuthError(thrown);
  }
}

function unreadableError(): AuthError {
  return new AuthError(
    'KM_AUTH_CACHE',
    'the token cache cannot be read, so that no token was revoked: see what is wrong with it, then try again',
  );
}
