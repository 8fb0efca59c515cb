import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import { withAnswer } from './grant-changes.js';
import type { ExpiryWatch } from './expiry-watch.js';
import type { GrantRecord } from './grant-record.js';
import type { GrantStore } from './grant-store.js';
import type { Need } from './need.js';
import type { TokenGrant } from './ports.js';
import type { RefreshSettings } from './refresh-policy.js';
import { coversScopes, DEFAULT_SCOPE } from './scope.js';
import { countRequest, explainRequest, isExplainedByLifetime } from './storm-brake.js';
import { scopesOfKey } from './token-key.js';
import type { TokenRequestRunner } from './token-request-runner.js';

export type AnswerKeeperOptions = {
  readonly store: GrantStore;
  readonly clock: Clock;
  readonly settings: RefreshSettings;
  readonly events: EventPublisher;
  readonly expiry: ExpiryWatch;
  readonly runner: Pick<TokenRequestRunner, 'explain'>;
  readonly onClockSkew: (skewMs: number) => void;
  /** Is given each token that was obtained, before anybody is told of it: who hears of one asks for it. */
  readonly onToken: (key: string, token: AuthToken) => void;
  /** Whether a refresh asks for the scopes of one token, not for all that the login serves. */
  readonly isNarrowing: boolean;
};

/** An answer and how it was won. */
export type Won = {
  readonly grant: TokenGrant;
  /** What the login serves, or what was asked for; absent where that is not known. */
  readonly scopes: readonly string[] | undefined;
  readonly grantType: string;
  /** The fingerprint of the refresh token that was sent, if one was. */
  readonly sent?: string;
};

/** What a login whose scopes are not known serves, as far as the token it brought tells. */
function servedScopes(token: AuthToken, wanted: string): readonly string[] | undefined {
  if (token.scopes.length === 0) return undefined;
  return wanted === DEFAULT_SCOPE ? [...token.scopes, DEFAULT_SCOPE] : token.scopes;
}

/** Whether two scope sets are the same set. */
function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return coversScopes(one, other) && coversScopes(other, one);
}

/** Stores what an issuer answered, and tells what is notable about it. */
export class AnswerKeeper {
  readonly #options: AnswerKeeperOptions;

  constructor(options: AnswerKeeperOptions) {
    this.#options = options;
  }

  /**
   * Stores an answer. Returns whether its token serves the need, as far as is known.
   *
   * @param record what was stored when it was asked for.
   */
  async keep(record: GrantRecord, need: Need, { grant, scopes, grantType, sent }: Won): Promise<boolean> {
    const { store, clock, settings, events, runner, onClockSkew, onToken, isNarrowing } = this.#options;
    if (grant.clockSkewMs !== undefined) onClockSkew(grant.clockSkewMs);
    const previous = record.tokens.get(need.key);
    const isRefresh = grantType === 'refresh_token';
    const nowMs = clock.nowMs();
    const isExplained =
      need.because === 'time' && isExplainedByLifetime(previous, nowMs, settings.refreshAheadMs);
    if (isExplained) runner.explain();
    const { token } = grant;
    const served = scopes ?? (isNarrowing ? undefined : servedScopes(token, need.key));
    // A refresh token is needed for the next answer to follow it. Tokens alone would pile up where they cannot be stored.
    const subject = grant.refreshToken === undefined ? `${grantType} ${need.key}` : undefined;
    await store.update((current, when) => {
      const answered = withAnswer(current, {
        key: need.key,
        grant,
        scopes: served,
        isRefresh,
        before: sent ?? record.refreshToken?.secret.fingerprint,
        isNarrowed: isNarrowing,
        endedAtMs: record.endedAtMs,
        ...when,
      });
      if (answered === current) return current;
      return isExplained ? explainRequest(answered) : countRequest(answered);
    }, subject);
    const isServed = served === undefined || coversScopes(served, scopesOfKey(need.key));
    if (isServed) onToken(need.key, token);
    const told = { scope: need.key, token: token.fingerprint, expiresAtMs: token.expiresAtMs, grantType };
    const replaced = previous?.fingerprint ?? need.replaces?.fingerprint;
    if (replaced === undefined && !isRefresh) events.publish({ type: 'token.issued', ...told });
    else events.publish({ type: 'token.refreshed', ...told, replaced });
    if (isNarrowing) this.#tellScopes(need, token, previous);
    await this.#tellExpiry(grant);
    return isServed;
  }

  /** Once for each change of what is granted. */
  #tellScopes(need: Need, token: AuthToken, previous: AuthToken | undefined): void {
    const asked = scopesOfKey(need.key);
    const isNews = previous === undefined || !isSameSet(previous.scopes, token.scopes);
    if (!isNews || asked.includes(DEFAULT_SCOPE) || isSameSet(asked, token.scopes)) return;
    this.#options.events.publish({
      type: 'token.scopes-differ',
      scope: need.key,
      token: token.fingerprint,
      granted: token.scopes.join(' '),
      missing: asked.filter((scope) => !token.scopes.includes(scope)).join(' '),
    });
  }

  async #tellExpiry({ refreshTokenExpiresAtMs }: TokenGrant): Promise<void> {
    const { store, expiry } = this.#options;
    if (refreshTokenExpiresAtMs !== undefined) expiry.look(await store.read());
  }
}
