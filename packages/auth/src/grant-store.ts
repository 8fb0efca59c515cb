import { isAuthError } from './auth-error.js';
import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import { EMPTY_GRANT, type GrantKey, type GrantRecord } from './grant-record.js';
import type { TokenCache } from './ports.js';
import { StoreRetry } from './store-retry.js';
import { TaskLine } from './task-line.js';

/** When a change is made: others may have written since it was made first. */
export type Lateness = {
  /** Whether it could not be stored before, or not whole. */
  readonly isLate: boolean;
  /** Whether a refresh token was seen in the storage since then that is there no more. */
  readonly isGone: boolean;
};

/** Makes a record of the one that is stored; returns that one where nothing is to change. */
type Change = (current: GrantRecord, when: Lateness) => GrantRecord;

type Unstored = { readonly change: Change; hasFailed: boolean; hasSeenLogin: boolean };

const AT_FIRST: Lateness = { isLate: false, isGone: false };
type Tokens = GrantRecord['tokens'];

/** How long a task waits for the grant's lock, in milliseconds: longer than one slow answer. */
const LOCK_TIMEOUT_MS = 120_000;

/**
 * One grant in the cache, and what the cache could not take.
 *
 * A change that cannot be stored is kept, applied to every read, and stored as soon as that works: a
 * rotated refresh token that is only in memory is better than none.
 */
export class GrantStore {
  readonly #cache: TokenCache;
  readonly #key: GrantKey;
  readonly #events: EventPublisher;
  readonly #tasks: TaskLine;
  readonly #retry: StoreRetry;
  /** What is being stored, and what could not be. */
  #unstored: readonly Unstored[] = [];
  /** The last of the writes that store these: one after the other, so that none makes a change again that is made already. */
  #storing: Promise<boolean> = Promise.resolve(true);
  #isReadFailing = false;
  #isDamaged = false;
  #look: Promise<Tokens> | undefined;

  constructor(cache: TokenCache, key: GrantKey, events: EventPublisher, clock: Clock) {
    this.#tasks = new TaskLine(clock);
    this.#retry = new StoreRetry(clock, () => void this.flush());
    this.#cache = cache;
    this.#key = key;
    this.#events = events;
    // As long as the process: a cache outlives no manager that matters.
    cache.subscribe?.(({ kind, message }) => {
      if (kind === 'repaired') events.publish({ type: 'cache.repaired', message });
      else this.#tellCorrupt(message);
    });
  }

  /** Whether something could not be stored. */
  get hasUnstored(): boolean {
    return this.#unstored.some(({ hasFailed }) => hasFailed);
  }

  /** Whether what was read last is what is stored. */
  get isReadable(): boolean {
    return !this.#isReadFailing;
  }

  /** Whether something that was stored was found not to open. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** What is stored, and on top of it what could not be. Never throws: a cache that cannot be read is an empty one. */
  async read(): Promise<GrantRecord> {
    const read = await this.#whatIsRead(() => this.#cache.getGrant(this.#key));
    this.#see(read?.found);
    return this.#changed(read === undefined ? undefined : (read.found ?? EMPTY_GRANT), this.#unstored);
  }

  /** The tokens that `read` would bring, with less work where the cache can. */
  async readTokens(): Promise<Tokens> {
    if (this.#cache.getTokens === undefined || this.#unstored.length > 0) return (await this.read()).tokens;
    const read = await this.#whatIsRead(async () => this.#cache.getTokens?.(this.#key));
    return read?.found ?? EMPTY_GRANT.tokens;
  }

  /** As `readTokens`, once for all who ask at this moment. */
  lookAtTokens(): Promise<Tokens> {
    this.#look ??= this.readTokens().finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  /**
   * Whether the refresh token with this fingerprint is nowhere but in this process: another is stored, or none. One that
   * cannot be looked for may be there, and others may have it.
   */
  async isOnlyInMemory(fingerprint: string): Promise<boolean> {
    try {
      return (await this.#cache.getGrant(this.#key))?.refreshToken?.secret.fingerprint !== fingerprint;
    } catch {
      return false;
    }
  }

  /** Stores a change, with those that could not be stored before it. Returns whether it is stored now. */
  async update(change: Change): Promise<boolean> {
    this.#unstored = [...this.#unstored, { change, hasFailed: false, hasSeenLogin: false }];
    return this.flush();
  }

  /** Stores a change if it can be stored now, and forgets it otherwise. Returns whether it is stored. */
  async note(change: Change): Promise<boolean> {
    if (!(await this.flush())) return false;
    try {
      await this.#cache.updateGrant(this.#key, (current) => change(current ?? EMPTY_GRANT, AT_FIRST));
      return true;
    } catch (error) {
      this.#tellFailure('write', error);
      return false;
    }
  }

  /** Tries once more to store what could not be, and then not again until something else is stored. */
  async settle(): Promise<void> {
    await this.flush();
    this.#retry.cancel();
  }

  /** Waits for what is being stored, and tries again to store what could not be. Returns whether nothing is left. */
  async flush(): Promise<boolean> {
    this.#storing = this.#storing.then(() => this.#unstored.length === 0 || this.#storeAll());
    return this.#storing;
  }

  /**
   * Runs `task` under the grant's lock, unless `unless` brings the result or `signal` ends the wait before. `isShared` tells
   * the task whether the lock is held: a storage that cannot be written (a full disk, a read-only home) has none to give.
   * Tasks of this process take turns even then: a refresh token that only it has must not be sent by two of them.
   *
   * @throws {AuthError} `KM_AUTH_LOCK_TIMEOUT` when another process, or task, takes too long. The reason of `signal`.
   */
  async transact<T>(
    task: (isShared: boolean) => Promise<T>,
    unless?: () => Promise<T | undefined>,
    signal?: AbortSignal,
  ): Promise<T> {
    const entered: { task?: Promise<T> } = {};
    const waiting = { timeoutMs: LOCK_TIMEOUT_MS, signal };
    const inTurn = (isShared: boolean): Promise<T> => this.#tasks.run(() => task(isShared), waiting);
    try {
      return await this.#cache.withLock(this.#key, () => (entered.task = inTurn(true)), {
        ...waiting,
        unless,
      });
    } catch (error) {
      // A task that has begun is not begun again, whatever became of the lock.
      if (entered.task !== undefined) return entered.task;
      signal?.throwIfAborted();
      if (isAuthError(error, 'KM_AUTH_LOCK_TIMEOUT')) throw error;
      this.#tellFailure('write', error);
      return inTurn(false);
    }
  }

  /** @param stored `undefined` where it cannot be read: then nobody knows what others have written. */
  #changed(stored: GrantRecord | undefined, changes: readonly Unstored[]): GrantRecord {
    const isEmpty = stored?.refreshToken === undefined;
    return changes.reduce((record, { change, hasFailed, hasSeenLogin }) => {
      const isLate = stored !== undefined && hasFailed;
      return change(record, { isLate, isGone: isLate && hasSeenLogin && isEmpty });
    }, stored ?? EMPTY_GRANT);
  }

  /** From now on that there is no refresh token means that it was removed; before, a storage may have lost all it had. */
  #see(stored: GrantRecord | undefined): void {
    if (stored?.refreshToken === undefined) return;
    for (const each of this.#unstored) each.hasSeenLogin ||= each.hasFailed;
  }

  /** `undefined` where it cannot be read. */
  async #whatIsRead<T>(read: () => Promise<T>): Promise<{ readonly found: T } | undefined> {
    try {
      const found = await read();
      this.#isReadFailing = false;
      return { found };
    } catch (error) {
      if (!this.#isReadFailing) this.#tellFailure('read', error);
      this.#isReadFailing = true;
      return undefined;
    }
  }

  async #storeAll(): Promise<boolean> {
    const changes = this.#unstored;
    const isAgain = this.hasUnstored;
    try {
      await this.#cache.updateGrant(this.#key, (current) => {
        const next = this.#changed(current ?? EMPTY_GRANT, changes);
        return next === EMPTY_GRANT ? current : next;
      });
    } catch (error) {
      if (!isAgain) this.#tellFailure('write', error);
      for (const each of changes) each.hasFailed = true;
      this.#retry.again();
      // Nobody waits for that: a storage that is gone takes its time to say so, and the token is wanted now.
      void this.#cache.getGrant(this.#key).then(
        (stored) => {
          this.#see(stored);
        },
        () => undefined,
      );
      return false;
    }
    this.#unstored = this.#unstored.filter((change) => !changes.includes(change));
    this.#retry.reset();
    if (isAgain) this.#events.publish({ type: 'cache.recovered' });
    return true;
  }

  /** What was sealed and does not open any more was tampered with, or damaged: nobody can tell which. */
  #tellCorrupt(message: string): void {
    this.#isDamaged = true;
    this.#events.publish({ type: 'cache.corrupt', message });
    this.#events.publish({ type: 'security.event', reason: 'cache-tampered', message });
  }

  #tellFailure(operation: 'read' | 'write', error: unknown): void {
    this.#events.publish({
      type: 'cache.failed',
      operation,
      message: error instanceof Error ? error.message : String(error),
    });
  }
}
