import type { AuthEvent, AuthManager, AuthToken } from '@kilometers/auth';

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
};

/** Watches for newer tokens while a command runs, and says once when there is none to be had. */
export class KeptFresh {
  readonly #options: KeptFreshOptions;
  readonly #unsubscribe: () => void;
  #fingerprint: string;
  #isTroubled = false;

  constructor(options: KeptFreshOptions) {
    this.#options = options;
    this.#fingerprint = options.token.fingerprint;
    this.#unsubscribe = options.manager.subscribe((event) => this.#onEvent(event));
    options.manager.start();
  }

  end(): void {
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
    const { manager, scope, onToken } = this.#options;
    try {
      const token = await manager.getValidToken(scope);
      if (token.fingerprint === this.#fingerprint) return;
      onToken(token);
      this.#fingerprint = token.fingerprint;
      this.#isTroubled = false;
    } catch (error) {
      this.#tellTrouble(error instanceof Error ? error.message : String(error));
    }
  }

  #tellTrouble(message: string): void {
    if (!this.#isTroubled) this.#options.tell(`km: no newer token: ${message}`);
    this.#isTroubled = true;
  }
}
