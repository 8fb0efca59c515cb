import { readdirSync, readFileSync } from 'node:fs';

/** What was seen of a process at one moment. */
type Look = {
  readonly endedAtMs: number;
  readonly tookMs: number;
  /** How much of the time up to its beginning counts. */
  readonly countedMs: number;
  readonly waitedMs: ReadonlyMap<string, number>;
};

/** How long a process has waited for a processor, as it was looked at from time to time. */
export class ProcessorWaits {
  readonly #pid: number;
  readonly #everyMs: number;
  readonly #looks: Look[] = [];
  #lookedAtMs = performance.now();

  /** @param everyMs how often it is to be looked at, in milliseconds. */
  constructor(pid: number, everyMs: number) {
    this.#pid = pid;
    this.#everyMs = everyMs;
  }

  look(): void {
    const beganAtMs = performance.now();
    // Who comes to look much too late was kept from it by a machine that stood still, for the process as well.
    const sinceMs = Math.min(beganAtMs - this.#lookedAtMs, 2 * this.#everyMs);
    this.#lookedAtMs = beganAtMs;
    const countedMs = (this.#looks.at(-1)?.countedMs ?? 0) + sinceMs;
    const waitedMs = waitedForProcessorMs(this.#pid);
    const endedAtMs = performance.now();
    this.#looks.push({ endedAtMs, tookMs: endedAtMs - beganAtMs, countedMs, waitedMs });
  }

  /**
   * The last moment since which the process could run for `durationMs`, by the looks so far. What is under way goes from
   * thread to thread, and may have waited for a processor with each: what they waited does not count. Before the first look
   * there is none.
   */
  beforeRunningMs(durationMs: number): number {
    const last = this.#looks.at(-1);
    if (last === undefined) return Number.NEGATIVE_INFINITY;
    const before = this.#looks.findLast(({ tookMs, countedMs, waitedMs }) => {
      let ranMs = last.countedMs - countedMs - tookMs;
      for (const [thread, ms] of last.waitedMs) ranMs -= ms - (waitedMs.get(thread) ?? 0);
      return ranMs >= durationMs;
    });
    return before?.endedAtMs ?? Number.NEGATIVE_INFINITY;
  }
}

/** For how long each thread of a process was ready to run and had no processor so far, in milliseconds. */
function waitedForProcessorMs(pid: number): ReadonlyMap<string, number> {
  const waited = new Map<string, number>();
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const waitedNs = waitedForProcessorNs(`/proc/${pid}/task/${thread}/schedstat`);
      if (waitedNs !== undefined) waited.set(thread, waitedNs / 1e6);
    }
  } catch {
    // The process has ended.
  }
  return waited;
}

/** `undefined` of a thread that has ended meanwhile. */
function waitedForProcessorNs(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8').split(' ')[1]);
  } catch {
    return undefined;
  }
}
