import { join } from 'node:path';
import { createProcessLock, type Clock, type HeldProcessLock, type ProcessLock } from '@kilometers/auth';

/** An owner that lives but stood still for so long is followed: events that are sent twice are stored once. */
const STALLED_AFTER_MS = 15_000;
/** How often an owner looks whether it was followed. */
const CHECK_MS = 1_000;

/** The right to deliver an account's events: one process has it at a time, and it ends with that process. */
export class DrainLease {
  readonly #lock: ProcessLock;
  readonly #clock: Clock;
  #held: HeldProcessLock | undefined;
  #checkedAtMs = 0;

  constructor(options: { readonly folder: string; readonly clock: Clock; readonly random: () => number }) {
    const { folder, clock, random } = options;
    this.#clock = clock;
    this.#lock = createProcessLock({
      folder: join(folder, '.lock'),
      what: 'the delivery of the queue',
      clock,
      random,
      stalledAfterMs: STALLED_AFTER_MS,
    });
  }

  /**
   * Whether this process has it, after taking it if it was free.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when the folder cannot be written.
   */
  async take(): Promise<boolean> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#held !== undefined && nowMs - this.#checkedAtMs < CHECK_MS) return true;
    this.#checkedAtMs = nowMs;
    if (this.#held !== undefined && !(await this.#held.isOurs())) await this.release();
    this.#held ??= await this.#lock.tryAcquire();
    return this.#held !== undefined;
  }

  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.release().catch(() => undefined);
  }

  /** Who has it now, in words. */
  owner(): Promise<string | undefined> {
    return this.#lock.owner();
  }
}
