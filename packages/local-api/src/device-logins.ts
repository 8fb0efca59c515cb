import type { IssuedTokens, TokenContext } from './issued-tokens.js';
import { OAuthError } from './oauth-error.js';
import { formatScopes, readScopes, type Scope } from './scopes.js';
import { hashSecret, newSecret } from './secrets.js';
import type { Account } from './store/accounts.js';
import type { DeviceCodeRecord } from './store/device-codes.js';
import type { TokenIssuer } from './token-issuer.js';
import { formatUserCode, newUserCode, readUserCode } from './user-code.js';

/** A device login that was started. */
export type StartedDeviceLogin = {
  readonly deviceCode: string;
  /** As it is shown: `BCDF-GHJK`. */
  readonly userCode: string;
  readonly expiresInSeconds: number;
  readonly intervalSeconds: number;
};

/** How device logins are held. */
export type DeviceLoginPolicy = {
  /** Whoever approves on the page does it for this account. */
  readonly account: Account;
  readonly ttlMs: number;
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
  readonly #context: TokenContext;
  readonly #issuer: TokenIssuer;
  readonly #policy: DeviceLoginPolicy;

  constructor(context: TokenContext, issuer: TokenIssuer, policy: DeviceLoginPolicy) {
    this.#context = context;
    this.#issuer = issuer;
    this.#policy = policy;
  }

  /** The account that logins are approved for. */
  get subject(): string {
    return this.#policy.account.subject;
  }

  start(scope: readonly Scope[]): StartedDeviceLogin {
    this.#context.store.prune();
    const deviceCode = newSecret('kmdc_', this.#context.random);
    let userCode: string;
    do {
      userCode = newUserCode(this.#context.random);
    } while (
      !this.#context.store.deviceCodes.add({
        hash: hashSecret(deviceCode),
        userCode,
        scope: formatScopes(scope),
        expiresAtMs: this.#context.now() + this.#policy.ttlMs,
        intervalMs: this.#policy.intervalSeconds * 1_000,
      })
    );
    this.#context.events.emit({ type: 'device.started', scope });
    return {
      deviceCode,
      userCode: formatUserCode(userCode),
      expiresInSeconds: Math.floor(this.#policy.ttlMs / 1_000),
      intervalSeconds: this.#policy.intervalSeconds,
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
    const login = this.#context.store.deviceCodes.find(hash);
    if (login === undefined) throw new OAuthError('expired_token', 'unknown device code; start again');
    if (login.state === 'used') throw used();
    if (this.#context.now() >= login.expiresAtMs)
      throw new OAuthError('expired_token', 'device code expired; start again');
    if (login.state === 'denied') throw new OAuthError('access_denied', 'the request was denied');
    if (login.state === 'pending') throw this.#keepWaiting(login);

    const account =
      this.#context.store.accounts.find(login.subject ?? this.#policy.account.subject) ??
      this.#policy.account;
    return this.#issuer.issue({
      account,
      scope: readScopes(login.scope),
      grantType: 'device_code',
      claim: () => {
        if (!this.#context.store.deviceCodes.use(hash)) throw used();
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
    const isFirst = this.#context.store.transaction(() => {
      if (!this.#context.store.accounts.find(this.#policy.account.subject))
        this.#context.store.accounts.save(this.#policy.account);
      return this.#context.store.deviceCodes.decide(login.hash, answer, this.#policy.account.subject);
    });
    if (!isFirst) return false;
    this.#context.events.emit(
      answer === 'approved'
        ? { type: 'device.approved', subject: this.#policy.account.subject }
        : { type: 'device.denied' },
    );
    return true;
  }

  #pending(typed: string): DeviceCodeRecord | undefined {
    const userCode = readUserCode(typed);
    const login = userCode && this.#context.store.deviceCodes.findByUserCode(userCode);
    if (!login || login.state !== 'pending' || this.#context.now() >= login.expiresAtMs) return undefined;
    return login;
  }

  #keepWaiting(login: DeviceCodeRecord): OAuthError {
    const nowMs = this.#context.now();
    const isTooSoon =
      login.polledAtMs !== null && nowMs - login.polledAtMs < login.intervalMs - POLL_LEEWAY_MS;
    const intervalMs = login.intervalMs + (isTooSoon ? SLOW_DOWN_MS : 0);
    this.#context.store.deviceCodes.recordPoll(login.hash, nowMs, intervalMs);
    return isTooSoon
      ? new OAuthError('slow_down', `wait ${intervalMs / 1_000} seconds between polls`)
      : new OAuthError('authorization_pending', 'not approved yet');
  }
}

function used(): OAuthError {
  return new OAuthError('expired_token', 'device code already used; start again');
}
