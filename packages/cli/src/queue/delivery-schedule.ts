import { readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@kilometers/auth';
import { backoffMs, LONGEST_WAIT_MS } from './delivery-backoff.js';

/** The longest wait that an API may order with `Retry-After`. */
const LONGEST_ORDERED_MS = 3_600_000;

/** What is known of the last tries. */
export type DeliveryFailure = {
  /** In a row. */
  readonly failures: number;
  /** Why the last one failed. */
  readonly reason: string;
  /** When it failed, and before when nobody tries again: milliseconds since the epoch. */
  readonly atMs: number;
  readonly untilMs: number;
  /** Until when the API asked to be left alone, where it did; a wait of our own may be longer. */
  readonly orderedUntilMs: number;
};

export type ScheduleOptions = {
  /** The account's folder; `undefined` for a process that is on its own. */
  readonly folder: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
};

/**
 * When the API is tried again, shared by all processes of an account through a file: fifty of them probe as rarely as
 * one. Without the file it is tried at once.
 */
export class DeliverySchedule {
  readonly #options: ScheduleOptions;
  readonly #path: string | undefined;
  /** What was read or written last. */
  #own: DeliveryFailure | undefined;
  /** Then a process remembers for itself. */
  #isUnwritable = false;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#path = options.folder === undefined ? undefined : join(options.folder, 'next-try.json');
  }

  /** How the last try failed; `undefined` when it did not. */
  async lastFailure(): Promise<DeliveryFailure | undefined> {
    if (this.#path === undefined || this.#isUnwritable) return this.#own;
    const text = await readFile(this.#path, 'utf8').catch(() => undefined);
    this.#own = text === undefined ? undefined : parse(text);
    return this.#own;
  }

  /** How many tries have failed in a row, as of the last look. */
  get failures(): number {
    return this.#own?.failures ?? 0;
  }

  /**
   * How long to wait before the next try, and how much of that the API asked for, in milliseconds, by the wall clock; one
   * that was set back keeps nobody waiting.
   */
  async waitMs(): Promise<{ readonly ms: number; readonly orderedMs: number }> {
    const failure = await this.lastFailure();
    const nowMs = this.#options.clock.nowMs();
    if (failure === undefined || nowMs < failure.atMs) return { ms: 0, orderedMs: 0 };
    const { untilMs, orderedUntilMs } = failure;
    return { ms: Math.max(0, untilMs - nowMs), orderedMs: Math.max(0, orderedUntilMs - nowMs) };
  }

  /**
   * Notes a failure; resolves with how long to wait, in milliseconds: as the API asked, where that is longer than the wait
   * of our own. One that asks for no wait at all is not hammered.
   */
  async fail(reason: string, retryAfterMs: number | undefined): Promise<number> {
    const { clock, random } = this.#options;
    const failures = ((await this.lastFailure())?.failures ?? 0) + 1;
    const ownMs = backoffMs(failures, random);
    const orderedMs = Math.min(retryAfterMs ?? 0, LONGEST_ORDERED_MS);
    const ms = Math.max(ownMs, orderedMs);
    const atMs = clock.nowMs();
    this.#own = { failures, reason, atMs, untilMs: atMs + ms, orderedUntilMs: atMs + orderedMs };
    await this.#write(this.#own);
    return ms;
  }

  /** Notes that a try worked, or that the next one may be made at once. */
  async clear(): Promise<void> {
    if (this.#own === undefined) return;
    this.#own = undefined;
    if (this.#path !== undefined) await unlink(this.#path).catch(() => undefined);
  }

  async #write(failure: DeliveryFailure): Promise<void> {
    if (this.#path === undefined) return;
    const temporary = `${this.#path}.tmp`;
    try {
      const written: WrittenFailure = { ...failure, isOrdered: failure.orderedUntilMs >= failure.untilMs };
      await writeFile(temporary, JSON.stringify(written), { mode: 0o600 });
      await rename(temporary, this.#path);
      this.#isUnwritable = false;
    } catch {
      this.#isUnwritable = true;
    }
  }
}

/** What an earlier version wrote says `isOrdered`, of the whole wait; what this one writes says so too, for that one. */
type WrittenFailure = DeliveryFailure & { readonly isOrdered: boolean };

function parse(text: string): DeliveryFailure | undefined {
  try {
    const value = JSON.parse(text) as Readonly<Record<keyof WrittenFailure, unknown>> | null;
    if (value === null) return undefined;
    const { failures, reason, atMs, untilMs, isOrdered } = value;
    if (typeof failures !== 'number' || typeof atMs !== 'number' || typeof untilMs !== 'number')
      return undefined;
    if (typeof reason !== 'string' || typeof isOrdered !== 'boolean') return undefined;
    const longestMs = isOrdered ? LONGEST_ORDERED_MS : LONGEST_WAIT_MS;
    const until = Math.min(untilMs, atMs + longestMs);
    const ordered = value.orderedUntilMs ?? (isOrdered ? until : atMs);
    const orderedUntilMs = typeof ordered === 'number' ? Math.min(ordered, until) : atMs;
    return { failures, reason, atMs, untilMs: until, orderedUntilMs };
  } catch {
    return undefined;
  }
}
