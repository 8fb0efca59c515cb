import type { CommandContext } from '../command-context.js';

/** Passes the signals that `km` gets on to the server, also those that come before it runs. */
export class SignalRelay {
  readonly #early: NodeJS.Signals[] = [];
  #forward: ((signal: NodeJS.Signals) => void) | undefined;
  #count = 0;

  /** Resolves when a second signal shows that somebody will not wait for the delivery of events. */
  readonly isUrgent: Promise<void>;

  constructor(onSignal: CommandContext['onSignal']) {
    this.isUrgent = new Promise((resolve) => {
      onSignal((signal) => {
        this.#count += 1;
        if (this.#count > 1) resolve();
        if (this.#forward === undefined) this.#early.push(signal);
        else this.#forward(signal);
      });
    });
  }

  /** Gives signals to `forward` from now on, first those that came before. */
  attach(forward: (signal: NodeJS.Signals) => void): void {
    this.#forward = forward;
    for (const signal of this.#early.splice(0)) forward(signal);
  }
}
