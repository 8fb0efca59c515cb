import { RefreshTransaction, type RefreshTransactionOptions } from './refresh-transaction.js';
import { TokenRequestRunner, type TokenRequestRunnerOptions } from './token-request-runner.js';

export type RefreshingOptions = Omit<RefreshTransactionOptions, 'runner'> & TokenRequestRunnerOptions;

/** What obtains the tokens of one grant. */
export type Refreshing = {
  /** As `RefreshTransaction.run`. */
  readonly run: RefreshTransaction['run'];
};

export function createRefreshing(options: RefreshingOptions): Refreshing {
  const runner = new TokenRequestRunner(options);
  const transaction = new RefreshTransaction({ ...options, runner });
  return { run: (record, need, hasLock) => transaction.run(record, need, hasLock) };
}
