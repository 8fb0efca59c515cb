import type { AuthEvent, AuthManager, AuthToken, Clock } from '@kilometers/auth';

export type KeptFreshOptions = {
  readonly manager: AuthManager;
  readonly scope: string;
  /** What the manager's events call its token. */
  readonly key: string;
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
  readonly #unsubscribe: () => void;
  #fingerprint: string;
  #isTroubled = false;
  #hasEnded = false;
  #cancelRetry: () => void = () => undefined;

  constructor(options: KeptFreshOptions) {
    this.#options = options;
    this.#fingerprint = options.token.fingerprint;
    this.#unsubscribe = options.manager.subscribe((event) => this.#onEvent(event));
    options.manager.start();
    // One may have come while the command was being started.
    void this.#hand();
  }

  end(): void {
    this.#hasEnded = true;
    this.#cancelRetry();
    this.#unsubscribe();
  }

  #onEvent(event: AuthEvent): void {
    const { key } = this.#options;
    switch (event.type) {
      case 'token.issued':
      case 'token.refreshed':
      case 'token.adopted':
        if (event.scope === key && event.token !== this.#fingerprint) void this.#hand();
        return;
      case 'refresh.failed':
        if (event.scope === key) this.#tellTrouble(event.message);
        return;
      default:
        return;
    }
  }

  async #hand(): Promise<void> {
    const { manager, scope } = this.#options;
    try {
      this.#handOver(await manager.getValidToken(scope));
    } catch (error) {
      this.#tellTrouble(error instanceof Error ? error.message : String(error));
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
    if (!this.#isTroubled) this.#options.tell(`km: no newer token: ${message}`);
    this.#isTroubled = true;
  }
}
