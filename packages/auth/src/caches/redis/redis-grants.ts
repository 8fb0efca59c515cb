import { randomBytes } from 'node:crypto';
import type { CacheNotice } from '../../cache-notice.js';
import { sleep } from '../../clock.js';
import type { GrantKey, GrantRecord } from '../../grant-record.js';
import { areTokensTheLogin } from '../../grant-key.js';
import { encodeGrant, grantId, keyOfHalf } from '../file/grant-codec.js';
import type { Reply, RedisConnection } from './redis-connection.js';
import type { RedisSettings } from './redis-settings.js';
import { LOCK_LIFE_MS, STORE } from './redis-scripts.js';
import { openValue, sealValue, type SealedPart } from './sealed-value.js';

/** The names of one grant. The braces put them in one slot. */
export type GrantNames = { readonly grant: string; readonly lock: string; readonly last: string };

/** What is stored of a grant, and its version; '' where there is nothing. */
type Stored = { readonly record: GrantRecord | undefined; readonly version: string };

const DAY_MS = 24 * 3_600_000;
const WEEK_MS = 7 * DAY_MS;
/** For how long it is kept what came of a grant after it had been ended: somebody may end it yet. */
const LEFT_OVER_MS = 90 * DAY_MS;
/** Others can be faster only so often. */
const MOST_TRIES = 100;
const LONGEST_WAIT_MS = 50;

/**
 * For how long a record is of use, in milliseconds: until a week after the last of it ends, for clocks differ and
 * failures are of interest. `undefined`: for ever, where it is a login: Redis may be told to make room with what has an end.
 */
function lifeMs(key: GrantKey, record: GrantRecord, nowMs: number): number | undefined {
  const { refreshToken, tokens, notBeforeMs, leftOver } = record;
  if (refreshToken !== undefined || areTokensTheLogin(key, record)) return undefined;
  const ends = [
    notBeforeMs,
    leftOver && nowMs + LEFT_OVER_MS,
    ...[...tokens.values()].map((token) => token.expiresAtMs),
  ];
  return Math.ceil(Math.max(nowMs, ...ends.map((end) => end ?? 0)) - nowMs + WEEK_MS);
}

/** Tells the second half of a grant from the first. */
function tokensId(id: Buffer): Buffer {
  const other = Buffer.from(id);
  other.writeUInt8(other.readUInt8(0) ^ 0xff, 0);
  return other;
}

/** The grants in Redis, each a value of its own. */
export class RedisGrants {
  readonly #settings: RedisSettings;
  readonly #connection: Pick<RedisConnection, 'ask'>;
  readonly #tell: (notice: CacheNotice) => void;

  constructor(
    settings: RedisSettings,
    connection: Pick<RedisConnection, 'ask'>,
    tell: (notice: CacheNotice) => void,
  ) {
    this.#settings = settings;
    this.#connection = connection;
    this.#tell = tell;
  }

  namesOf(id: Buffer): GrantNames {
    const name = `${this.#settings.namePrefix}{${id.toString('hex')}}`;
    return { grant: `${name}:grant`, lock: `${name}:lock`, last: `${name}:last` };
  }

  async get(key: GrantKey): Promise<GrantRecord | undefined> {
    return (await this.#read(grantId(key))).record;
  }

  /**
   * As `TokenCache.updateGrant`.
   *
   * @param token of the lock that the caller holds; '' where it holds none.
   * @throws {AuthError} `KM_AUTH_CACHE` also where another has taken that lock meanwhile.
   */
  async update(
    key: GrantKey,
    change: (current: GrantRecord | undefined) => GrantRecord | undefined,
    token: string,
  ): Promise<GrantRecord | undefined> {
    const id = grantId(key);
    for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
      const { record, version } = await this.#read(id);
      const next = change(record);
      if (next === record && (next !== undefined || version === '')) return next;
      switch (await this.#store(key, id, { next, version, token })) {
        case 'stored':
          return next;
        case 'overtaken':
          throw this.#settings.makers.createError(
            'KM_AUTH_CACHE',
            'this process stood still for so long that another took its lock over: nothing was written; try again',
          );
        default:
          await sleep(this.#settings.clock, Math.min(LONGEST_WAIT_MS, 2 * tries) * this.#settings.random());
      }
    }
    throw this.#settings.makers.createError(
      'KM_AUTH_CACHE',
      `the grant in Redis at ${this.#settings.address.label} changes all the time: see who writes it, then try again`,
    );
  }

  /** The grants that are there. Of those that ran out of time the names go as well. */
  async list(): Promise<readonly GrantKey[]> {
    const ids = (await this.#connection.ask('SMEMBERS', this.#index())) as readonly Buffer[];
    const keys = await Promise.all(
      ids.map(async (each): Promise<GrantKey | undefined> => {
        const id = Buffer.from(each.toString(), 'hex');
        let found = await this.#open(id);
        if (found.version === '') {
          await this.#connection.ask('SREM', this.#index(), each);
          // It may have been stored between the two.
          found = await this.#open(id);
          if (found.version !== '') await this.#connection.ask('SADD', this.#index(), each);
        }
        const [half] = found.parts ?? [];
        return half === undefined ? undefined : keyOfHalf(half.plaintext);
      }),
    );
    return keys.filter((key) => key !== undefined);
  }

  async #store(
    key: GrantKey,
    id: Buffer,
    {
      next,
      version,
      token,
    }: { readonly next: GrantRecord | undefined; readonly version: string; readonly token: string },
  ): Promise<string> {
    const { grant, lock, last } = this.namesOf(id);
    const list = (): Promise<Reply> => this.#connection.ask('SADD', this.#index(), id.toString('hex'));
    if (next !== undefined) await list();
    const life = next === undefined ? undefined : lifeMs(key, next, this.#settings.clock.nowMs());
    const reply = await this.#connection.ask(
      'EVAL',
      STORE,
      3,
      grant,
      lock,
      last,
      token,
      version,
      randomBytes(12).toString('hex'),
      next === undefined ? '' : this.#seal(key, id, next),
      life ?? '',
      LOCK_LIFE_MS,
    );
    // Somebody who found nothing may have taken a new one off the list in between.
    if (next !== undefined && version === '' && String(reply) === 'stored') await list();
    return String(reply);
  }

  #seal(key: GrantKey, id: Buffer, record: GrantRecord): Buffer {
    const { login, tokens } = encodeGrant(key, record);
    const parts: SealedPart[] = [];
    if (login !== undefined) parts.push({ id, plaintext: login });
    if (tokens !== undefined) parts.push({ id: tokensId(id), plaintext: tokens });
    return sealValue(this.#settings.key, parts);
  }

  async #read(id: Buffer): Promise<Stored> {
    const { parts, version } = await this.#open(id);
    const half = (of: Buffer): Buffer | undefined => parts?.find((part) => part.id.equals(of))?.plaintext;
    return {
      record: this.#settings.makers.decodeGrant({ login: half(id), tokens: half(tokensId(id)) }),
      version,
    };
  }

  async #open(
    id: Buffer,
  ): Promise<{ readonly parts: readonly SealedPart[] | undefined; readonly version: string }> {
    const { address } = this.#settings;
    const { grant: name } = this.namesOf(id);
    const reply = await this.#connection.ask('HMGET', name, 'version', 'sealed');
    const [version, sealed] = reply as readonly Reply[];
    if (!Buffer.isBuffer(version)) return { parts: undefined, version: '' };
    const parts = Buffer.isBuffer(sealed) ? openValue(this.#settings, sealed) : undefined;
    if (parts === undefined) {
      this.#tell({
        kind: 'corrupt',
        message: `${name} in Redis at ${address.label} does not open (it was changed): it counts as empty`,
        mayConcernLogin: (key) => grantId(key).equals(id),
      });
    }
    return { parts, version: version.toString() };
  }

  #index(): string {
    return `${this.#settings.namePrefix}grants`;
  }
}
