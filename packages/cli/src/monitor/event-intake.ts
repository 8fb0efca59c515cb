import type { EventOutlet } from './event-outlet.js';
import { sizeInMemory, type MonitorEvent } from './monitor-event.js';

/** Events that wait for an outlet, at most. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Takes the events of a session. Until there is an outlet they wait in memory. */
export class EventIntake {
  readonly #waiting: MonitorEvent[] = [];
  #bytes = 0;
  #leftOut = 0;
  #isEnded = false;
  /** Takes them at once, from when nothing waits any more. */
  #passOn: ((event: MonitorEvent) => void) | undefined;

  /** How many memory had no room for. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** How many no outlet has taken. */
  get unsent(): number {
    return this.#leftOut + this.#waiting.length;
  }

  add(event: MonitorEvent): void {
    if (this.#passOn === undefined) this.#keep(event);
    else this.#passOn(event);
  }

  /**
   * Hands over what waits, and what comes meanwhile: no faster than the disk takes it, or memory would be full. Resolves
   * with whether nothing waits any more: it was not ended before.
   */
  async handOver({ add, congestion }: Pick<EventOutlet, 'add' | 'congestion'>): Promise<boolean> {
    while (!this.#isEnded) {
      const event = this.#waiting.shift();
      if (event === undefined) {
        this.#passOn = add;
        return true;
      }
      this.#bytes -= sizeInMemory(event);
      add(event);
      await congestion();
    }
    return false;
  }

  /** From here on no outlet takes more of what waits: what it has is counted. */
  endHandOver(): void {
    this.#isEnded = true;
  }

  /** Nothing is recorded. */
  discard(): void {
    this.#waiting.splice(0);
    this.#leftOut = 0;
    this.#passOn = () => undefined;
  }

  #keep(event: MonitorEvent): void {
    const bytes = sizeInMemory(event);
    // What follows one that is left out is left out too: the prelude has them in their order.
    if (this.#leftOut > 0 || this.#bytes + bytes > MAX_BYTES) {
      this.#leftOut += 1;
      return;
    }
    this.#bytes += bytes;
    this.#waiting.push(event);
  }
}
