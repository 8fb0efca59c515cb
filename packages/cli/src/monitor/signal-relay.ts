import type { SignalledProcess } from '@kilometers/auth';
import { isMessage, PASSED_SIGNALS } from '../passed-signals.js';

/**
 * Passes the signals that `km` gets on to the server, also those that come before it runs, and what a key of the terminal
 * sends: the server is in no group that gets that.
 */
export class SignalRelay {
  readonly #early: NodeJS.Signals[] = [];
  #forward: ((signal: NodeJS.Signals) => void) | undefined;
  #endings = 0;

  /** Resolves when a second signal shows that somebody will not wait for the delivery of events. */
  readonly isUrgent: Promise<void>;

  constructor(target: Pick<SignalledProcess, 'on'>) {
    this.isUrgent = new Promise((resolve) => {
      const take = (signal: NodeJS.Signals): void => {
        if (!isMessage(signal)) this.#endings += 1;
        if (this.#endings > 1) resolve();
        if (this.#forward === undefined) this.#early.push(signal);
        else this.#forward(signal);
      };
      for (const signal of PASSED_SIGNALS) target.on(signal, take);
    });
  }

  /** Gives signals to `forward` from now on, first those that came before. */
  attach(forward: (signal: NodeJS.Signals) => void): void {
    this.#forward = forward;
    for (const signal of this.#early.splice(0)) forward(signal);
  }
}
