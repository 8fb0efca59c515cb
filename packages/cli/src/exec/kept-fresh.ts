import type { AuthEvent, AuthManager, AuthToken, Clock } from '@kilometers/auth';
import { messageOf } from '../message-of.js';
import type { FollowedAccount } from '../followed-account.js';

export type KeptFreshOptions = {
  readonly account: Pick<FollowedAccount, keyof FollowedAccount>;
  readonly scope: string;
  /** The token that the command has. */
  readonly token: AuthToken;
  /** Is given each newer token, once. */
  readonly onToken: (token: AuthToken) => void;
  readonly tell: (message: string) => void;
  readonly clock: Clock;
};

/** The wait before a token that could not be handed over is handed over again, in milliseconds. */
const RETRY_MS = 5_000;

/** Watches for newer tokens while a command runs, and says once when there is none to be had. */
export class KeptFresh {
  readonly #options: KeptFreshOptions;
  #fingerprint: string;
  #isTroubled = false;
  #hasEnded = false;
  readonly #unsubscribe: () => void;
  #cancelRetry: () => void = () => undefined;
  #cancelLook: () => void = () => undefined;

  constructor(options: KeptFreshOptions) {
    this.#options = options;
    this.#fingerprint = options.token.fingerprint;
    this.#unsubscribe = options.account.subscribe((event) => this.#onEvent(event));
    options.account.start();
    // One may have come while the command was being started.
    void this.#look();
  }

  end(): void {
    this.#hasEnded = true;
    this.#cancelRetry();
    this.#cancelLook();
    this.#unsubscribe();
  }

  /** Again and again: of a token that was revoked, or is gone with its cache or its login, no event tells. */
  async #look(): Promise<void> {
    const isGood = await this.#hand();
    if (this.#hasEnded) return;
    const { account, clock } = this.#options;
    const { checkIntervalMs, retryIntervalMs } = account.intervals;
    const waitMs = isGood ? checkIntervalMs : Math.max(checkIntervalMs, retryIntervalMs);
    this.#cancelLook = clock.schedule(() => void this.#look(), waitMs, false);
  }

  #onEvent(event: AuthEvent): void {
    const { account, scope } = this.#options;
    if (!('scope' in event) || event.scope !== account.keyOf(scope)) return;
    switch (event.type) {
      case 'token.issued':
      case 'token.refreshed':
      case 'token.adopted':
        if (event.token !== this.#fingerprint) void this.#hand();
        return;
      case 'refresh.failed':
        if (event.code === 'KM_AUTH_LOGIN_REQUIRED') void this.#afterLogin(account.manager, event.message);
        else this.#tellTrouble(event.message);
        return;
      default:
        return;
    }
  }

  /** The login is over by what `manager` says; another may have taken its place. */
  async #afterLogin(manager: AuthManager, message: string): Promise<void> {
    const isReplaced = await this.#options.account.isReplaced(manager).catch(() => false);
    if (isReplaced) await this.#hand();
    else this.#tellTrouble(message);
  }

  /** Whether the command has the token that is good now. */
  async #hand(): Promise<boolean> {
    const { account, scope } = this.#options;
    try {
      this.#handOver(await account.getValidToken(scope));
      return true;
    } catch (error) {
      this.#tellTrouble(messageOf(error));
      return false;
    }
  }

  /** @throws what keeps it from being handed over: then it is tried again. */
  #handOver(token: AuthToken): void {
    const { onToken, clock } = this.#options;
    if (this.#hasEnded || token.fingerprint === this.#fingerprint) return;
    this.#cancelRetry();
    try {
      onToken(token);
    } catch (error) {
      this.#cancelRetry = clock.schedule(() => void this.#hand(), RETRY_MS, false);
      throw error;
    }
    this.#fingerprint = token.fingerprint;
    this.#isTroubled = false;
  }

  #tellTrouble(message: string): void {
    if (this.#hasEnded) return;
    if (!this.#isTroubled) this.#options.tell(`km: no newer token: ${message}`);
    this.#isTroubled = true;
  }
}
