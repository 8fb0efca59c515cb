import { isAuthError } from './auth-error.js';
import { CacheTrouble } from './cache-trouble.js';
import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import { withoutTokens } from './grant-changes.js';
import { areTokensTheLogin } from './grant-key.js';
import { EMPTY_GRANT, type GrantKey, type GrantRecord } from './grant-record.js';
import type { TokenCache } from './ports.js';
import { SharedLook } from './shared-look.js';
import { StoreRetry } from './store-retry.js';
import { TaskLine } from './task-line.js';
import {
  AT_FIRST,
  noteSeen,
  withChanges,
  withUnstored,
  type Change,
  type UnstoredChange,
} from './unstored-change.js';

type Tokens = GrantRecord['tokens'];

/** How long a task waits for the grant's lock, in milliseconds: longer than one slow answer with the default `requestTimeoutMs`. */
const LOCK_TIMEOUT_MS = 120_000;
/** How long another try to store waits for that lock, in milliseconds: the next try is soon. */
const RETRY_LOCK_TIMEOUT_MS = 1_000;

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
  readonly #trouble: CacheTrouble;
  /** What is being stored, and what could not be. */
  #unstored: readonly UnstoredChange[] = [];
  /** The last of the writes, which run one after another so that no change is made twice. */
  #storing: Promise<boolean> = Promise.resolve(true);
  readonly #look = new SharedLook<Tokens | undefined>();
  /** The last try to store again that nobody waited for. */
  #storingAgain: Promise<void> = Promise.resolve();
  /** The task that runs without the lock, where one does. */
  #unlocked: Promise<unknown> | undefined;

  constructor(cache: TokenCache, key: GrantKey, events: EventPublisher, clock: Clock) {
    this.#tasks = new TaskLine(clock);
    this.#retry = new StoreRetry({
      clock,
      store: () => (this.#storingAgain = this.storeAgain()),
      hasLogin: () => withChanges(undefined, this.#unstored).refreshToken !== undefined,
    });
    this.#cache = cache;
    this.#key = key;
    this.#events = events;
    this.#trouble = new CacheTrouble(cache, key, events);
  }

  /** Whether something could not be stored. */
  get hasUnstored(): boolean {
    return this.#unstored.some(({ hasFailed }) => hasFailed);
  }

  /** What is amiss with the cache. */
  get trouble(): Pick<CacheTrouble, 'isReadable' | 'isDamaged'> {
    return this.#trouble;
  }

  /** What is stored, and on top of it what could not be. Never throws: a cache that cannot be read is an empty one. */
  async read(): Promise<GrantRecord> {
    return (await this.look()).record;
  }

  /** As `read`; `isRead` tells whether the cache could be read. */
  async look(): Promise<{ readonly record: GrantRecord; readonly isRead: boolean }> {
    for (;;) {
      const changes = this.#unstored;
      const read = await this.#trouble.whatIsRead(() => this.#cache.getGrant(this.#key));
      // A change that was stored meanwhile may be missing in what was read.
      if (!changes.every((change) => this.#unstored.includes(change))) continue;
      noteSeen(read?.found, this.#unstored);
      const stored = read === undefined ? undefined : (read.found ?? EMPTY_GRANT);
      return { record: withChanges(stored, this.#unstored), isRead: read !== undefined };
    }
  }

  /** The tokens that `read` would bring, with less work where the cache can; `undefined` where it cannot be read. */
  async readTokens(): Promise<Tokens | undefined> {
    if (this.#cache.getTokens === undefined || this.#unstored.length > 0) {
      const { record, isRead } = await this.look();
      return isRead ? record.tokens : undefined;
    }
    return (
      await this.#trouble.whatIsRead(async () => this.#cache.getTokens?.(this.#key) ?? EMPTY_GRANT.tokens)
    )?.found;
  }

  /** As `readTokens`, once for all who ask at this moment. */
  lookAtTokens(): Promise<Tokens | undefined> {
    return this.#look.join(this.#unstored, () => this.readTokens());
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

  /** Stores a change, with those that could not be stored before it; see `UnstoredChange`. Returns whether it is stored now. */
  async update(change: Change, subject?: string): Promise<boolean> {
    this.#unstored = withUnstored(this.#unstored, change, subject);
    return this.flush();
  }

  /** Removes every access token but those that are the login itself. From outside of any task; see `storeAgain`. */
  async clearTokens(): Promise<void> {
    const clear: Change = (record) => (areTokensTheLogin(this.#key, record) ? record : withoutTokens(record));
    this.#unstored = withUnstored(this.#unstored, clear);
    await this.storeAgain();
  }

  /** Stores a change if it can be stored now, and forgets it otherwise. Returns whether it is stored. */
  async note(change: Change): Promise<boolean> {
    if (!(await this.flush())) return false;
    try {
      await this.#cache.updateGrant(this.#key, (current) => change(current ?? EMPTY_GRANT, AT_FIRST));
      return true;
    } catch (error) {
      this.#trouble.writeFailed(error);
      return false;
    }
  }

  /** Tries once more to store what could not be, and then not again until something else is stored. */
  async settle(): Promise<void> {
    await this.flush();
    await this.#storingAgain;
    this.#retry.cancel();
  }

  /** Waits for what is being stored, and tries again to store what could not be. Returns whether nothing is left. */
  async flush(): Promise<boolean> {
    this.#storing = this.#storing.then(() => this.#unstored.length === 0 || this.#storeAll());
    return this.#storing;
  }

  /**
   * As `flush`, from outside of any task. While a task runs without the lock, this takes it, and keeps it until that task has
   * ended: the refresh token that the task sends must not be sent by others who find it stored.
   */
  async storeAgain(): Promise<void> {
    if (this.#unlocked === undefined || !this.hasUnstored) {
      await this.flush();
      return;
    }
    const store = async (): Promise<void> => {
      // One that begins after this finds the refresh token stored, and does not send it.
      if (await this.flush()) await this.#unlocked?.catch(() => undefined);
    };
    try {
      await this.#cache.withLock(this.#key, store, { timeoutMs: RETRY_LOCK_TIMEOUT_MS });
    } catch {
      this.#retry.again();
    }
  }

  /**
   * Runs `task` under the grant's lock, unless `unless` brings the result or `signal` ends the wait before. `hasLock` tells
   * the task whether the lock is held: a storage that cannot be written (a full disk, a read-only home) has none to give.
   * Tasks of this process take turns even then: a refresh token that only it has must not be sent by two of them.
   *
   * @throws {AuthError} `KM_AUTH_LOCK_TIMEOUT` when another process, or task, takes too long. The reason of `signal`.
   */
  async transact<T>(
    task: (hasLock: boolean) => Promise<T>,
    unless?: () => Promise<T | undefined>,
    signal?: AbortSignal,
  ): Promise<T> {
    const entered: { task?: Promise<T> } = {};
    const waiting = { timeoutMs: LOCK_TIMEOUT_MS, signal };
    const inTurn = (hasLock: boolean): Promise<T> =>
      this.#tasks.run(() => (hasLock ? task(true) : this.#withoutLock(task)), waiting);
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
      this.#trouble.writeFailed(error);
      return inTurn(false);
    }
  }

  async #withoutLock<T>(task: (hasLock: boolean) => Promise<T>): Promise<T> {
    const running = task(false);
    this.#unlocked = running;
    try {
      return await running;
    } finally {
      this.#unlocked = undefined;
    }
  }

  async #storeAll(): Promise<boolean> {
    const changes = this.#unstored;
    const isAgain = this.hasUnstored;
    try {
      await this.#cache.updateGrant(this.#key, (current) => {
        const next = withChanges(current ?? EMPTY_GRANT, changes);
        return next === EMPTY_GRANT ? current : next;
      });
    } catch (error) {
      if (!isAgain) this.#trouble.writeFailed(error);
      for (const each of changes) each.hasFailed = true;
      this.#retry.again();
      // Nobody waits for that: a storage that is gone takes its time to say so, and the token is wanted now.
      void this.#lookForLogin();
      return false;
    }
    this.#unstored = this.#unstored.filter((change) => !changes.includes(change));
    this.#retry.reset();
    if (isAgain) this.#events.publish({ type: 'cache.recovered' });
    return true;
  }

  async #lookForLogin(): Promise<void> {
    try {
      noteSeen(await this.#cache.getGrant(this.#key), this.#unstored);
    } catch {
      // What cannot be read says nothing.
    }
  }
}
