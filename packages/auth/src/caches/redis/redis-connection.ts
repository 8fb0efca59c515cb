import { isIP } from 'node:net';
import type { Redis } from 'ioredis';
import type { AuthError } from '../../auth-error.js';
import { sleep } from '../../clock.js';
import { madeOnce } from '../../lazily.js';
import { Patience } from './patience.js';
import { isExplained, isPassing, redisError, WENT_SILENT } from './redis-error.js';
import type { RedisMakers, RedisSettings } from './redis-settings.js';

/** What Redis answers. */
export type Reply = Buffer | number | null | readonly Reply[];

export type Argument = string | number | Buffer;

const FIRST_WAIT_MS = 20;
/** With the waits before it, a second and a half for a connection to come back. */
const LAST_WAIT_MS = 640;
/** Redis that did not answer in time is not asked again for so long: whoever looks often must not wait each time. */
const SILENCE_MS = 1_000;

/** How much of its patience a question has for a connection that may have been forgotten on the way: no word comes of that. */
const SHARE_OF_AN_OLD_CONNECTION = 1 / 3;

/** What a connection is made with. */
type Loaded = {
  readonly Client: typeof Redis;
  readonly tls: { readonly servername?: string; readonly ca?: string[] } | undefined;
};

async function loadClient({ createError }: RedisMakers): Promise<typeof Redis> {
  try {
    return (await import('ioredis')).Redis;
  } catch (cause) {
    throw createError(
      'KM_AUTH_CONFIGURATION',
      'the cache in Redis needs the package ioredis, which is not installed: npm install ioredis',
      cause,
    );
  }
}

/** A connection, and what becomes of it: it serves, or it has failed. */
type Connection = { readonly client: Redis; readonly ready: Promise<unknown>; hasServed: boolean };

function wentSilent(): Error {
  return new Error(WENT_SILENT);
}

/**
 * One connection to Redis, made when it is needed, and made anew when it was lost. It keeps no process alive, and
 * nothing that is asked takes longer than `timeoutMs` in all.
 */
export class RedisConnection {
  readonly #settings: RedisSettings;
  readonly #load = madeOnce(() => this.#loadAll());
  #connection: Connection | undefined;
  /** When a question failed with all its tries: one that comes soon after has one only. */
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #silence: { readonly untilMs: number; readonly error: AuthError } | undefined;

  constructor(settings: RedisSettings) {
    this.#settings = settings;
  }

  /**
   * Asks, and asks again where another connection may do. So whatever is asked must be the same when it is done twice.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when there is no answer in time, or none that helps.
   */
  async ask(command: string, ...args: readonly Argument[]): Promise<Reply> {
    const { clock, timeoutMs, random } = this.#settings;
    const loaded = await this.#load();
    if (this.#silence !== undefined && clock.monotonicMs() < this.#silence.untilMs) throw this.#silence.error;
    const patience = new Patience(clock, timeoutMs);
    const isDown = clock.monotonicMs() - this.#failedAtMs < SILENCE_MS;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs *= 2) {
      const used = (this.#connection ??= this.#connect(loaded));
      const isOld = used.hasServed && waitMs === FIRST_WAIT_MS && !isDown;
      try {
        const answer = used.ready.then(() => used.client.callBuffer(command, ...args));
        const reply = (await (isOld
          ? patience.waitFor(answer, wentSilent, patience.leftMs * (1 - SHARE_OF_AN_OLD_CONNECTION))
          : patience.waitFor(answer, () => this.#noAnswer()))) as Reply;
        this.#silence = undefined;
        used.hasServed = true;
        return reply;
      } catch (error) {
        // What a connection to a demoted primary or to something else answers, it answers for ever.
        this.#drop(used);
        if (isExplained(error)) throw error;
        const giveUp = (): AuthError => {
          this.#failedAtMs = clock.monotonicMs();
          return redisError(this.#settings, error);
        };
        if (isDown || !isPassing(error) || waitMs > LAST_WAIT_MS) throw giveUp();
        await patience.waitFor(sleep(clock, waitMs * (0.5 + random())), giveUp);
      }
    }
  }

  /** Ends the connection. The next question makes another. */
  close(): void {
    if (this.#connection !== undefined) this.#drop(this.#connection);
  }

  #drop(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined;
    connection.client.disconnect();
  }

  #noAnswer(): AuthError {
    const { clock, timeoutMs } = this.#settings;
    const error = redisError(this.#settings, new Error(`no answer within ${String(timeoutMs)} ms`));
    this.#silence = { untilMs: clock.monotonicMs() + SILENCE_MS, error };
    return error;
  }

  async #loadAll(): Promise<Loaded> {
    const { makers, address, ca } = this.#settings;
    const Client = await loadClient(makers);
    if (!address.isTls) return { Client, tls: undefined };
    const trusted = typeof ca === 'function' ? await ca() : ca;
    // No certificate is asked for by an address.
    const named = isIP(address.host) === 0 ? { servername: address.host } : {};
    return { Client, tls: { ...named, ...(trusted !== undefined && { ca: [...trusted] }) } };
  }

  #connect({ Client, tls }: Loaded): Connection {
    const { address, timeoutMs } = this.#settings;
    const client = new Client({
      host: address.host,
      port: address.port,
      ...(tls !== undefined && { tls }),
      lazyConnect: true,
      // Who asks has given up long before.
      connectTimeout: 10 * timeoutMs,
      // The wait for the goodbye of a server keeps the process up, and one that says nothing says none.
      disconnectTimeout: 100,
      // Both are done here: another connection is made when it is needed, and no question is asked behind our back.
      retryStrategy: () => null,
      autoResendUnfulfilledCommands: false,
      // What every Redis has known for years.
      protocol: 2,
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    const ready = this.#greet(client);
    // Whoever asks is told.
    ready.catch(() => undefined);
    return { client, ready, hasServed: false };
  }

  async #greet(client: Redis): Promise<void> {
    const { username, password, database } = this.#settings.address;
    let failure: unknown;
    client.on('error', (error) => {
      failure = error;
    });
    try {
      await client.connect();
      // What waits for an answer keeps the process up itself.
      client.stream.unref();
      if (password !== undefined)
        await client.call('AUTH', ...(username === '' ? [] : [username]), password.reveal());
      if (database !== 0) await client.call('SELECT', database);
    } catch (error) {
      // Who asked drops the connection.
      throw failure ?? error;
    }
  }
}
