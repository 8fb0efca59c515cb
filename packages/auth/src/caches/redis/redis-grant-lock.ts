import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { AuthError } from '../../auth-error.js';
import { sleep } from '../../clock.js';
import type { LockOptions } from '../../ports.js';
import type { RedisConnection } from './redis-connection.js';
import type { GrantNames } from './redis-grants.js';
import { LOCK_LIFE_MS, RELEASE, RENEW, TAKE } from './redis-scripts.js';
import type { RedisSettings } from './redis-settings.js';

const RENEWAL_MS = 1_000;
/** For so long it is remembered who took a lock last. Nobody stands still for longer, and then goes on. */
const MEMORY_MS = 30 * 24 * 3_600_000;
const SHORTEST_POLL_MS = 10;
const LONGEST_POLL_MS = 160;

/** A lock that is held. */
export type HeldRedisLock = {
  /** Says who holds it: what is stored is stored only as long as nobody took the lock after that. */
  readonly token: string;
  readonly release: () => Promise<void>;
};

type Taken = {
  readonly outcome: 'taken' | 'held' | 'changed';
  readonly token: string;
  readonly version: string;
};

/** Whose lock it is, in words, as its token says. */
function ownerIn(token: string): string {
  const [, , pid = '?', host = '?'] = token.split(' ');
  return `process ${pid} on ${host}`;
}

/** The lock of one grant. Whoever dies leaves it within 4 s; whoever lives keeps it. */
export class RedisGrantLock {
  readonly #settings: RedisSettings;
  readonly #connection: RedisConnection;
  readonly #names: GrantNames;

  constructor(settings: RedisSettings, connection: RedisConnection, names: GrantNames) {
    this.#settings = settings;
    this.#connection = connection;
    this.#names = names;
  }

  /**
   * Waits for the lock, or for what `unless` brings, which is asked whenever the grant has changed.
   *
   * @throws {AuthError} `KM_AUTH_LOCK_TIMEOUT`, naming the owner; `KM_AUTH_CACHE` when Redis does not serve.
   */
  async acquire<T>({
    timeoutMs,
    unless,
    signal,
  }: LockOptions<T>): Promise<HeldRedisLock | { readonly instead: T }> {
    const { clock, random } = this.#settings;
    const word = randomBytes(12).toString('hex');
    const startedAtMs = clock.monotonicMs();
    let known = '-';
    for (let polls = 0; ; polls += 1) {
      const { outcome, token, version } = await this.#take(word, known);
      if (outcome === 'taken') return this.#hold(token);
      if (outcome === 'changed') {
        known = version;
        const instead = await unless?.();
        if (instead !== undefined) return { instead };
        continue;
      }
      if (known === '-' && unless !== undefined) known = version;
      if (clock.monotonicMs() - startedAtMs >= timeoutMs) throw this.#timeoutError(token, timeoutMs);
      signal?.throwIfAborted();
      const pollMs = Math.min(LONGEST_POLL_MS, SHORTEST_POLL_MS * 2 ** Math.min(polls, 8));
      await sleep(clock, pollMs * (0.5 + random()));
    }
  }

  /** Who holds it now, in words; `undefined` when nobody does. */
  async owner(): Promise<string | undefined> {
    const token = await this.#connection.ask('GET', this.#names.lock);
    return Buffer.isBuffer(token) ? ownerIn(token.toString()) : undefined;
  }

  async #take(word: string, known: string): Promise<Taken> {
    const { lock, last, grant } = this.#names;
    const who = `${String(process.pid)} ${hostname().replace(/\s/g, '')}`;
    const reply = await this.#connection.ask(
      'EVAL',
      TAKE,
      3,
      lock,
      last,
      grant,
      word,
      who,
      LOCK_LIFE_MS,
      MEMORY_MS,
      known,
    );
    const [outcome, token, version] = (reply as readonly Buffer[]).map(String);
    return { outcome: outcome as Taken['outcome'], token: token ?? '', version: version ?? '' };
  }

  #hold(token: string): HeldRedisLock {
    const { clock } = this.#settings;
    const { lock, last } = this.#names;
    let isOver = false;
    let cancel: () => void = () => undefined;
    const renewLater = (): void => {
      if (!isOver) cancel = clock.schedule(renew, RENEWAL_MS, false);
    };
    const renew = (): void => {
      // One that fails is no reason to give up: the next one may succeed, and what is stored is checked anyway.
      this.#connection.ask('EVAL', RENEW, 2, lock, last, token, LOCK_LIFE_MS).then(renewLater, renewLater);
    };
    renewLater();
    return {
      token,
      release: async () => {
        isOver = true;
        cancel();
        // Where Redis is not there the lock ends by itself.
        await this.#connection.ask('EVAL', RELEASE, 2, lock, last, token).catch(() => undefined);
      },
    };
  }

  #timeoutError(token: string, timeoutMs: number): AuthError {
    const { makers, address } = this.#settings;
    return makers.createError(
      'KM_AUTH_LOCK_TIMEOUT',
      `${ownerIn(token)} has held the lock of this grant in Redis at ${address.label} for more than ` +
        `${String(Math.round(timeoutMs / 1000))} s; try again later, or end that process`,
    );
  }
}
