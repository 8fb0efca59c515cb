import type { Clock } from '../../src/index.js';

/** A clock that moves when a test says so. */
export type FakeClock = Clock & {
  /** Real time, which nothing in the library can see: milliseconds since the epoch. */
  readonly trueMs: () => number;
  /** Lets `ms` pass: due timers run, in order, and what they set off settles. */
  readonly advance: (ms: number) => Promise<void>;
  /** Sets the wall clock forward, or back, by `ms`. */
  readonly jumpWall: (ms: number) => void;
  /** The machine sleeps for `ms`: the wall clock goes on, the monotonic one and the timers stand still. */
  readonly sleepMachine: (ms: number) => void;
  /** The timers that wait. */
  readonly timers: () => readonly FakeTimer[];
};

export type FakeTimer = { readonly atMs: number; readonly keepsAlive: boolean; readonly run: () => void };

/** Lets everything that waits for no timer settle. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export function fakeClock(startMs = Date.UTC(2030, 0, 1)): FakeClock {
  let monotonicMs = 0;
  let trueMs = startMs;
  let offMs = 0;
  const timers = new Set<FakeTimer>();

  const earliest = (untilMs: number): FakeTimer | undefined => {
    let first: FakeTimer | undefined;
    for (const timer of timers) {
      if (timer.atMs <= untilMs && (first === undefined || timer.atMs < first.atMs)) first = timer;
    }
    return first;
  };
  const moveTo = (toMs: number): void => {
    trueMs += Math.max(0, toMs - monotonicMs);
    monotonicMs = Math.max(monotonicMs, toMs);
  };

  return {
    nowMs: () => trueMs + offMs,
    monotonicMs: () => monotonicMs,
    trueMs: () => trueMs,
    schedule(run, delayMs, keepsAlive) {
      const timer = { atMs: monotonicMs + Math.max(0, delayMs), keepsAlive, run };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    async advance(ms) {
      const untilMs = monotonicMs + ms;
      await settle();
      for (let timer = earliest(untilMs); timer !== undefined; timer = earliest(untilMs)) {
        timers.delete(timer);
        moveTo(timer.atMs);
        timer.run();
        await settle();
      }
      moveTo(untilMs);
    },
    jumpWall(ms) {
      offMs += ms;
    },
    sleepMachine(ms) {
      trueMs += ms;
    },
    timers: () => [...timers],
  };
}
