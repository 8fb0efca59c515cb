import type { Clock } from '@kilometers/auth';

/** A wait that can be ended early; one that is ended before it begins does not wait. */
export class Pause {
  readonly #clock: Clock;
  #end: (() => void) | undefined;
  #isEnded = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wait(durationMs: number, keepsAlive: boolean): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#end = undefined;
        this.#isEnded = false;
        resolve();
      };
      const cancel = this.#clock.schedule(end, durationMs, keepsAlive);
      if (this.#isEnded) end();
      else this.#end = end;
    });
  }

  /** Lets the next wait be, even if it was ended already. */
  renew(): void {
    this.#isEnded = false;
  }

  /** Ends the wait that is on, or the next one. */
  end(): void {
    this.#isEnded = true;
    this.#end?.();
  }
}
