import type { ApiEvents } from './api-event.js';
import { OAuthError } from './oauth-error.js';
import { formatScopes, readScopes, type Scope } from './scopes.js';
import { hashSecret, newSecret, type RandomBytes } from './secrets.js';
import type { Account } from './store/accounts.js';
import type { DeviceCodeRecord } from './store/device-codes.js';
import type { Store } from './store/store.js';
import type { IssuedTokens, TokenService } from './token-service.js';
import { formatUserCode, newUserCode, readUserCode } from './user-code.js';

/** A device login that was started. */
export type StartedDeviceLogin = {
  readonly deviceCode: string;
  /** As it is shown: `BCDF-GHJK`. */
  readonly userCode: string;
  readonly expiresInSeconds: number;
  readonly intervalSeconds: number;
};

/** A login that waits for the person's answer. */
export type PendingDeviceLogin = { readonly userCode: string; readonly scope: readonly Scope[] };

/** A poll may come this much too early: timers and networks jitter. */
const POLL_LEEWAY_MS = 100;
const SLOW_DOWN_MS = 5_000;

/**
 * Logins on a device with no browser.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc8628 | RFC 8628}
 */
export class DeviceLogins {
  readonly #store: Store;
  readonly #tokens: TokenService;
  readonly #events: ApiEvents;
  readonly #account: Account;
  readonly #now: () => number;
  readonly #random: RandomBytes;
  readonly #ttlMs: number;
  readonly #intervalSeconds: number;

  constructor(options: {
    readonly store: Store;
    readonly tokens: TokenService;
    readonly events: ApiEvents;
    /** Whoever approves on the page does it for this account. */
    readonly account: Account;
    readonly now: () => number;
    readonly random: RandomBytes;
    readonly ttlMs: number;
    readonly intervalSeconds: number;
  }) {
    this.#store = options.store;
    this.#tokens = options.tokens;
    this.#events = options.events;
    this.#account = options.account;
    this.#now = options.now;
    this.#random = options.random;
    this.#ttlMs = options.ttlMs;
    this.#intervalSeconds = options.intervalSeconds;
  }

  start(scope: readonly Scope[]): StartedDeviceLogin {
    this.#store.prune();
    const deviceCode = newSecret('kmdc_', this.#random);
    let userCode: string;
    do {
      userCode = newUserCode(this.#random);
    } while (
      !this.#store.deviceCodes.add({
        hash: hashSecret(deviceCode),
        userCode,
        scope: formatScopes(scope),
        expiresAtMs: this.#now() + this.#ttlMs,
        intervalMs: this.#intervalSeconds * 1_000,
      })
    );
    this.#events.emit({ type: 'device.started', scope });
    return {
      deviceCode,
      userCode: formatUserCode(userCode),
      expiresInSeconds: Math.floor(this.#ttlMs / 1_000),
      intervalSeconds: this.#intervalSeconds,
    };
  }

  /**
   * The tokens, once the person has approved; a code gives them once.
   *
   * @throws {OAuthError} `authorization_pending`, `slow_down`, `access_denied`; `expired_token` for a code that has
   *   expired, was used, or was never given out.
   * @see {@link https://www.rfc-editor.org/rfc/rfc8628#section-3.5 | RFC 8628 §3.5}
   */
  async poll(deviceCode: string): Promise<IssuedTokens> {
    const hash = hashSecret(deviceCode);
    const login = this.#store.deviceCodes.find(hash);
    if (login === undefined) throw new OAuthError('expired_token', 'unknown device code; start again');
    if (login.state === 'used') throw used();
    if (this.#now() >= login.expiresAtMs) throw new OAuthError('expired_token', 'device code expired; start again');
    if (login.state === 'denied') throw new OAuthError('access_denied', 'the request was denied');
    if (login.state === 'pending') throw this.#keepWaiting(login);

    const account = this.#store.accounts.find(login.subject ?? this.#account.subject) ?? this.#account;
    return this.#tokens.issue({
      account,
      scope: readScopes(login.scope),
      grantType: 'device_code',
      claim: () => {
        if (!this.#store.deviceCodes.use(hash)) throw used();
      },
    });
  }

  /** The login a person means by what they typed; undefined when none waits under that code. */
  findPending(typed: string): PendingDeviceLogin | undefined {
    const login = this.#pending(typed);
    return login && { userCode: formatUserCode(login.userCode), scope: readScopes(login.scope) };
  }

  /** Records the person's answer; false when no login waits under that code (any more). */
  decide(typed: string, answer: 'approved' | 'denied'): boolean {
    const login = this.#pending(typed);
    if (login === undefined) return false;
    const isFirst = this.#store.transaction(() => {
      if (!this.#store.accounts.find(this.#account.subject)) this.#store.accounts.save(this.#account);
      return this.#store.deviceCodes.decide(login.hash, answer, this.#account.subject);
    });
    if (!isFirst) return false;
    this.#events.emit(
      answer === 'approved'
        ? { type: 'device.approved', subject: this.#account.subject }
        : { type: 'device.denied' },
    );
    return true;
  }

  #pending(typed: string): DeviceCodeRecord | undefined {
    const userCode = readUserCode(typed);
    const login = userCode && this.#store.deviceCodes.findByUserCode(userCode);
    if (!login || login.state !== 'pending' || this.#now() >= login.expiresAtMs) return undefined;
    return login;
  }

  #keepWaiting(login: DeviceCodeRecord): OAuthError {
    const nowMs = this.#now();
    const isTooSoon = login.polledAtMs !== null && nowMs - login.polledAtMs < login.intervalMs - POLL_LEEWAY_MS;
    const intervalMs = login.intervalMs + (isTooSoon ? SLOW_DOWN_MS : 0);
    this.#store.deviceCodes.recordPoll(login.hash, nowMs, intervalMs);
    return isTooSoon
      ? new OAuthError('slow_down', `wait ${(intervalMs / 1_000).toString()} seconds between polls`)
      : new OAuthError('authorization_pending', 'not approved yet');
  }
}

function used(): OAuthError {
  return new OAuthError('expired_token', 'device code already used; start again');
}
