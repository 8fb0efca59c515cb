import { readdirSync, readFileSync } from 'node:fs';

/** How long a process has waited for a processor, as it was looked at from time to time. */
export class ProcessorWaits {
  readonly #pid: number;
  readonly #looks: { readonly atMs: number; readonly waitedMs: ReadonlyMap<string, number> }[] = [];

  constructor(pid: number) {
    this.#pid = pid;
  }

  look(): void {
    this.#looks.push({ atMs: performance.now(), waitedMs: waitedForProcessorMs(this.#pid) });
  }

  /**
   * The last moment since which the process could run for `durationMs`, by the looks so far: what the thread that waited
   * longest for a processor did does not count. Before the first look there is none.
   */
  beforeRunningMs(durationMs: number): number {
    const last = this.#looks.at(-1);
    if (last === undefined) return Number.NEGATIVE_INFINITY;
    const before = this.#looks.findLast(({ atMs, waitedMs }) => {
      const waits = [...last.waitedMs].map(([thread, ms]) => ms - (waitedMs.get(thread) ?? 0));
      return last.atMs - atMs - Math.max(0, ...waits) >= durationMs;
    });
    return before?.atMs ?? Number.NEGATIVE_INFINITY;
  }
}

/** For how long each thread of a process was ready to run and had no processor so far, in milliseconds. */
function waitedForProcessorMs(pid: number): ReadonlyMap<string, number> {
  try {
    return new Map(
      readdirSync(`/proc/${pid}/task`).map((thread) => {
        const [, waitedNs = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
        return [thread, Number(waitedNs) / 1e6];
      }),
    );
  } catch {
    return new Map();
  }
}
