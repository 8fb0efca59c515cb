import type { Tier } from '../tiers.js';
import { AccessTokens } from './access-tokens.js';
import { Accounts } from './accounts.js';
import { Counters, type ApiStats } from './counters.js';
import { DeviceCodes } from './device-codes.js';
import { Events, type EventQuery, type StoredEvent } from './events.js';
import { Families } from './families.js';
import { RefreshTokens } from './refresh-tokens.js';
import { SigningKeys } from './signing-keys.js';
import { SqlDatabase } from './sql-database.js';

/** How long an expired access token or device code is still told apart from an unknown one. */
const MEMORY_OF_EXPIRED_MS = 60 * 60 * 1_000;
const PRUNE_EVERY_MS = 60 * 1_000;

/** Everything the API remembers, in one database. */
export class Store {
  /** @internal */
  readonly accounts: Accounts;
  /** @internal */
  readonly families: Families;
  /** @internal */
  readonly refreshTokens: RefreshTokens;
  /** @internal */
  readonly accessTokens: AccessTokens;
  /** @internal */
  readonly deviceCodes: DeviceCodes;
  /** @internal */
  readonly events: Events;
  /** @internal */
  readonly signingKeys: SigningKeys;
  /** @internal */
  readonly counters: Counters;
  readonly #db: SqlDatabase;
  readonly #now: () => number;
  #prunedAtMs = Number.NEGATIVE_INFINITY;

  /** @param location - a file, created when missing, or `:memory:`. */
  constructor(location: string, now: () => number) {
    this.#db = new SqlDatabase(location);
    this.#now = now;
    this.accounts = new Accounts(this.#db);
    this.families = new Families(this.#db);
    this.refreshTokens = new RefreshTokens(this.#db);
    this.accessTokens = new AccessTokens(this.#db);
    this.deviceCodes = new DeviceCodes(this.#db);
    this.events = new Events(this.#db);
    this.signingKeys = new SigningKeys(this.#db);
    this.counters = new Counters(this.#db);
  }

  /** Runs `work` alone; all of it is kept, or none when it throws. */
  transaction<T>(work: () => T): T {
    return this.#db.transaction(work);
  }

  /** How many events are stored. */
  countEvents(): number {
    return this.events.count();
  }

  /** The stored events, oldest first. */
  listEvents(query?: EventQuery): readonly StoredEvent[] {
    return this.events.list(query);
  }

  /** What happened so far. */
  stats(): ApiStats {
    return this.counters.read();
  }

  /** Lets an account in by an API key; a revoked one becomes valid again. */
  addApiKey(apiKey: string, account: { readonly subject: string; readonly tier: Tier }): void {
    this.transaction(() => {
      this.accounts.saveApiKey(apiKey, account, this.#now());
    });
  }

  /** Refuses an API key from now on; false when it is unknown or was revoked before. */
  revokeApiKey(apiKey: string): boolean {
    return this.accounts.revokeApiKey(apiKey, this.#now());
  }

  /** Ends every login with all its tokens; answers how many there were. */
  revokeAllFamilies(): number {
    const nowMs = this.#now();
    return this.transaction(() => {
      const ended = this.families.revokeAll(nowMs);
      if (ended > 0) this.counters.add('families_revoked', nowMs, ended);
      return ended;
    });
  }

  /** Ends every access token that is still good, but no login; answers how many there were. */
  revokeAllAccessTokens(): number {
    const nowMs = this.#now();
    return this.transaction(() => {
      const ended = this.accessTokens.revokeAll(nowMs);
      if (ended > 0) this.counters.add('access_tokens_revoked', nowMs, ended);
      return ended;
    });
  }

  /** Forgets what has expired, at most once a minute unless forced. */
  prune(options: { readonly force?: boolean } = {}): void {
    const nowMs = this.#now();
    if (options.force !== true && Math.abs(nowMs - this.#prunedAtMs) < PRUNE_EVERY_MS) return;
    this.#prunedAtMs = nowMs;
    this.transaction(() => {
      this.accessTokens.prune(nowMs - MEMORY_OF_EXPIRED_MS);
      this.deviceCodes.prune(nowMs - MEMORY_OF_EXPIRED_MS);
      this.refreshTokens.prune(nowMs - MEMORY_OF_EXPIRED_MS);
      this.families.prune();
    });
  }

  /** Closes the file; nothing works afterwards. */
  close(): void {
    this.#db.close();
  }
}
