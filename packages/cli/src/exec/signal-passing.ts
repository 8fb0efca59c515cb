import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { SignalledProcess } from '@kilometers/auth';
import { PASSED_SIGNALS } from '../passed-signals.js';

/** What a terminal sends to all that runs in its foreground when a key is pressed. */
const FROM_KEYS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/**
 * Takes the signals that `km` gets and passes them on, also those that come before the command runs. What
 * a key of the terminal sends is not passed on: the command got it as well, and would get it twice.
 */
export class SignalPassing {
  readonly #early: NodeJS.Signals[] = [];
  readonly #target: SignalledProcess;
  #pass: ((signal: NodeJS.Signals) => void) | undefined;

  constructor(target: SignalledProcess) {
    this.#target = target;
    for (const signal of PASSED_SIGNALS) target.on(signal, this.#take);
  }

  /** Passes signals to `pass` from now on, first those that came before. */
  attach(pass: (signal: NodeJS.Signals) => void): void {
    this.#pass = pass;
    for (const signal of this.#early.splice(0)) pass(signal);
  }

  end(): void {
    for (const signal of PASSED_SIGNALS) this.#target.off(signal, this.#take);
  }

  readonly #take = (signal: NodeJS.Signals): void => {
    if (this.#pass === undefined) this.#early.push(signal);
    else if (!(FROM_KEYS.includes(signal) && isInForeground())) this.#pass(signal);
  };
}

/** Whether this process is among those that a terminal sends the signals of its keys to. */
function isInForeground(): boolean {
  try {
    // pid (name) state parent group session terminal foreground-group …; the name may have anything in it.
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return terminal !== '0' && group === foreground;
  } catch {
    return [0, 1, 2].some((descriptor) => isatty(descriptor));
  }
}
