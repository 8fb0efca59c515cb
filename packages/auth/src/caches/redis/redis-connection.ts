import { isIP } from 'node:net';
import type { Redis } from 'ioredis';
import { AuthError } from '../../auth-error.js';
import { sleep } from '../../clock.js';
import { isPassing, redisError } from './redis-error.js';
import type { RedisSettings } from './redis-settings.js';

/** What Redis answers. */
export type Reply = Buffer | number | null | readonly Reply[];

export type Argument = string | number | Buffer;

const FIRST_WAIT_MS = 20;
/** Redis that did not answer in time is not asked again for so long: whoever looks often must not wait each time. */
const SILENCE_MS = 1_000;

async function loadClient(): Promise<typeof Redis> {
  try {
    return (await import('ioredis')).Redis;
  } catch (cause) {
    throw new AuthError(
      'KM_AUTH_CONFIGURATION',
      'the cache in Redis needs the package ioredis, which is not installed: npm install ioredis',
      { cause },
    );
  }
}

/**
 * One connection to Redis, made when it is needed, and made anew when it was lost. It keeps no process alive, and
 * nothing that is asked takes longer than `timeoutMs` in all.
 */
export class RedisConnection {
  readonly #settings: RedisSettings;
  #client: Promise<Redis> | undefined;
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
    const { clock, timeoutMs, address, random } = this.#settings;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    if (this.#silence !== undefined && clock.monotonicMs() < this.#silence.untilMs) throw this.#silence.error;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs *= 2) {
      const used = (this.#client ??= this.#connect());
      try {
        const reply = await this.#within(
          deadlineMs,
          used.then(async (client) => (await client.callBuffer(command, ...args)) as Reply),
        );
        this.#silence = undefined;
        return reply;
      } catch (error) {
        if (error instanceof AuthError) throw error;
        // What a connection to a demoted primary or to something else answers, it answers for ever.
        this.#drop(used);
        if (!isPassing(error) || clock.monotonicMs() + waitMs >= deadlineMs)
          throw redisError(address.label, error);
      }
      await sleep(clock, waitMs * (0.5 + random()));
    }
  }

  /** Ends the connection. The next question makes another. */
  close(): void {
    if (this.#client !== undefined) this.#drop(this.#client);
  }

  #drop(client: Promise<Redis>): void {
    if (this.#client === client) this.#client = undefined;
    client.then(
      (open) => {
        open.disconnect();
      },
      () => undefined,
    );
  }

  async #connect(): Promise<Redis> {
    const Client = await loadClient();
    const { address, timeoutMs, ca } = this.#settings;
    // No certificate is asked for by an address.
    const named = isIP(address.host) === 0 ? { servername: address.host } : {};
    const client = new Client({
      host: address.host,
      port: address.port,
      ...(address.isTls && { tls: { ...named, ...(ca !== undefined && { ca: [...ca] }) } }),
      lazyConnect: true,
      connectTimeout: timeoutMs,
      // Both are done here: another connection is made when it is needed, and no question is asked behind our back.
      retryStrategy: () => null,
      autoResendUnfulfilledCommands: false,
      // What every Redis has known for years.
      protocol: 2,
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    let failure: unknown;
    client.on('error', (error) => {
      failure = error;
    });
    try {
      await client.connect();
      // What waits for an answer keeps the process up itself.
      client.stream.unref();
      const { username, password, database } = address;
      if (password !== undefined)
        await client.call('AUTH', ...(username === '' ? [] : [username]), password.reveal());
      if (database !== 0) await client.call('SELECT', database);
      return client;
    } catch (error) {
      client.disconnect();
      throw failure ?? error;
    }
  }

  async #within<T>(deadlineMs: number, answer: Promise<T>): Promise<T> {
    const { clock, address, timeoutMs } = this.#settings;
    let cancel: () => void = () => undefined;
    const timeout = new Promise<never>((_, reject) => {
      const tooLate = (): void => {
        this.close();
        const error = redisError(address.label, new Error(`no answer within ${String(timeoutMs)} ms`));
        this.#silence = { untilMs: clock.monotonicMs() + SILENCE_MS, error };
        reject(error);
      };
      cancel = clock.schedule(tooLate, deadlineMs - clock.monotonicMs(), true);
    });
    try {
      return await Promise.race([answer, timeout]);
    } finally {
      cancel();
    }
  }
}
