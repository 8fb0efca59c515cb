import { number, text } from './columns.js';
import type { GrantType } from './families.js';
import type { SqlDatabase } from './sql-database.js';

/** What is counted. */
export type CounterName =
  | `issued.${GrantType}`
  | 'refreshed'
  | 'replayed'
  | 'refused'
  | 'reuse_detected'
  | 'families_revoked'
  | 'access_tokens_revoked'
  | 'access_refused'
  | 'batches_stored';

/** What happened so far, restarts included. */
export type ApiStats = {
  /** Logins, by how they were made. */
  readonly issued: Readonly<Record<GrantType, number>>;
  /** Tokens given for a refresh token. */
  readonly refreshed: number;
  /** Refreshes answered a second time within the grace window. */
  readonly replayed: number;
  /** Token requests refused, for any reason. */
  readonly refused: number;
  /** Refresh tokens that were used again, past the grace window. */
  readonly reuseDetected: number;
  /** Logins that ended before their time, with all their tokens. */
  readonly familiesRevoked: number;
  readonly accessTokensRevoked: number;
  /** Protected calls refused for want of a good token. */
  readonly accessRefused: number;
  readonly batchesStored: number;
  /** In milliseconds since the epoch; null where there was none. */
  readonly lastIssuedAtMs: number | null;
  /** In milliseconds since the epoch; null where there was none. */
  readonly lastRefreshAtMs: number | null;
};

/** Counts that outlive the process. */
export class Counters {
  readonly #db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  add(name: CounterName, nowMs: number, by = 1): void {
    this.#db.run(
      `INSERT INTO counter (name, value, last_at_ms) VALUES (?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET value = value + excluded.value, last_at_ms = excluded.last_at_ms`,
      [name, by, nowMs],
    );
  }

  read(): ApiStats {
    const rows = new Map(
      this.#db.all(`SELECT name, value, last_at_ms FROM counter`, [], (row) => [
        text(row, 'name'),
        { value: number(row, 'value'), lastAtMs: number(row, 'last_at_ms') },
      ]),
    );
    const value = (name: CounterName): number => rows.get(name)?.value ?? 0;
    const lastAtMs = (...names: CounterName[]): number | null =>
      names.reduce<number | null>((last, name) => {
        const at = rows.get(name)?.lastAtMs;
        return at === undefined ? last : Math.max(at, last ?? at);
      }, null);
    return {
      issued: {
        api_key: value('issued.api_key'),
        client_credentials: value('issued.client_credentials'),
        device_code: value('issued.device_code'),
      },
      refreshed: value('refreshed'),
      replayed: value('replayed'),
      refused: value('refused'),
      reuseDetected: value('reuse_detected'),
      familiesRevoked: value('families_revoked'),
      accessTokensRevoked: value('access_tokens_revoked'),
      accessRefused: value('access_refused'),
      batchesStored: value('batches_stored'),
      lastIssuedAtMs: lastAtMs('issued.api_key', 'issued.client_credentials', 'issued.device_code'),
      lastRefreshAtMs: lastAtMs('refreshed', 'replayed'),
    };
  }
}
