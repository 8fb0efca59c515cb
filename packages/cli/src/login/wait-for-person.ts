import { isAuthError } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { whileSpinning } from '../terminal/spinner.js';
import { givenUp } from './given-up.js';

export type PersonsLogin<T> = {
  /** What is waited for, in words. */
  readonly what: string;
  /** Tells the person what to do. Who gives up at the first word is heard already. */
  readonly tell: () => void;
  readonly wait: (options: { readonly signal: AbortSignal }) => Promise<T>;
  /** Gives back what was granted in the very moment in which a signal came. */
  readonly giveBack: (won: T) => Promise<void>;
  /** Is called once there is something to lose: from then on signals are its caller's matter. */
  readonly onWon: () => void;
};

/**
 * Waits for a person's answer. A signal ends that.
 *
 * @throws {CliError} when it did: then nothing was won.
 */
export async function waitForPerson<T>(
  { what, tell, wait, giveBack, onWon }: PersonsLogin<T>,
  context: CommandContext,
): Promise<T> {
  const giveUp = new AbortController();
  const signals: NodeJS.Signals[] = [];
  const stop = context.onSignal((signal) => {
    signals.push(signal);
    giveUp.abort();
  });
  try {
    tell();
    const won = await whileSpinning(what, context, () => wait({ signal: giveUp.signal }));
    if (!giveUp.signal.aborted) {
      onWon();
      return won;
    }
    await giveBack(won);
    throw givenUp(signals[0]);
  } catch (error) {
    throw isAuthError(error, 'KM_AUTH_ABORTED') ? givenUp(signals[0], error) : error;
  } finally {
    stop();
  }
}
