import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { LiveView } from './live-view.js';
import { TOUR, type TourStop } from './tour.js';

const PAUSE_MS = 350;
const ANSWER_LIMIT_MS = 10_000;

/** Takes a client around the {@link TOUR}, showing each call, until it is told to stop or a call fails. */
export class TourGuide {
  readonly #client: Client;
  readonly #view: LiveView;
  readonly #signal: AbortSignal;
  #failedCalls = 0;

  /** @param signal ends the tour. */
  constructor(client: Client, view: LiveView, signal: AbortSignal) {
    this.#client = client;
    this.#view = view;
    this.#signal = signal;
  }

  get failedCalls(): number {
    return this.#failedCalls;
  }

  /** Makes one call, and shows how it went. */
  async call({ name, ask, limitMs = ANSWER_LIMIT_MS }: TourStop, round = 0): Promise<void> {
    const startedAtMs = performance.now();
    const tooLate = delay(limitMs, undefined, { ref: false }).then(() => {
      throw new Error(`no answer within ${limitMs / 1_000} s`);
    });
    const answer = await Promise.race([ask(this.#client, round), tooLate]).catch((error: unknown) => {
      // Whoever ends the demo ends the call that is under way.
      if (this.#signal.aborted) return 'ended';
      this.#failedCalls += 1;
      return `FAILED: ${error instanceof Error ? error.message : String(error)}`;
    });
    this.#view.call(name, performance.now() - startedAtMs, answer);
  }

  /** Goes round and round until the signal aborts, or a call fails. */
  async tour(): Promise<void> {
    const signal = this.#signal;
    for (let round = 1; ; round += 1) {
      for (const stop of TOUR) {
        if (signal.aborted || this.#failedCalls > 0) return;
        await this.call(stop, round);
        await delay(PAUSE_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
