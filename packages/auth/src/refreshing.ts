import type { AuthToken } from './auth-token.js';
import type { Need } from './need.js';
import { RefreshTransaction, type RefreshTransactionOptions } from './refresh-transaction.js';
import { TokenRequestRunner, type TokenRequestRunnerOptions } from './token-request-runner.js';

export type RefreshingOptions = Omit<RefreshTransactionOptions, 'runner'> & TokenRequestRunnerOptions;

/** What obtains the tokens of one grant. */
export type Refreshing = {
  /** @throws {AuthError} as `AuthManager.getValidToken`. */
  readonly run: (need: Need) => Promise<AuthToken>;
  /** Ends the waits between tries: what was sent is still waited for. */
  readonly interruptWaits: () => void;
};

export function createRefreshing(options: RefreshingOptions): Refreshing {
  const runner = new TokenRequestRunner(options);
  const transaction = new RefreshTransaction({ ...options, runner });
  return {
    run: (need) => transaction.run(need),
    interruptWaits: () => {
      runner.interruptWaits();
    },
  };
}
