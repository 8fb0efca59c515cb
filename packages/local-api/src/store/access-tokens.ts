import { asTier, type Tier } from '../tiers.js';
import { number, numberOrNull, text } from './columns.js';
import type { SqlDatabase } from './sql-database.js';

/** An access token as stored, with the account it speaks for. */
export type AccessTokenRecord = {
  readonly familyId: string;
  readonly scope: string;
  readonly subject: string;
  readonly tier: Tier;
  readonly expiresAtMs: number;
  readonly isRevoked: boolean;
};

/** Access tokens, looked up by hash, so that JWT and opaque ones are judged alike. */
export class AccessTokens {
  readonly #db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  add(token: {
    readonly hash: string;
    readonly familyId: string;
    readonly scope: string;
    readonly expiresAtMs: number;
  }): void {
    this.#db.run(`INSERT INTO access_token (hash, family_id, scope, expires_at_ms) VALUES (?, ?, ?, ?)`, [
      token.hash,
      token.familyId,
      token.scope,
      token.expiresAtMs,
    ]);
  }

  find(hash: string): AccessTokenRecord | undefined {
    return this.#db.get(
      `SELECT family_id, t.scope, subject, tier, expires_at_ms,
              coalesce(t.revoked_at_ms, family.revoked_at_ms) AS revoked_at_ms
       FROM access_token t JOIN family ON family.id = family_id JOIN account USING (subject) WHERE hash = ?`,
      [hash],
      (row) => ({
        familyId: text(row, 'family_id'),
        scope: text(row, 'scope'),
        subject: text(row, 'subject'),
        tier: asTier(text(row, 'tier')),
        expiresAtMs: number(row, 'expires_at_ms'),
        isRevoked: numberOrNull(row, 'revoked_at_ms') !== null,
      }),
    );
  }

  /** Ends one access token; false when it is unknown or had ended before. */
  revoke(hash: string, nowMs: number): boolean {
    const sql = `UPDATE access_token SET revoked_at_ms = ? WHERE hash = ? AND revoked_at_ms IS NULL`;
    return this.#db.run(sql, [nowMs, hash]) > 0;
  }

  /** Ends every access token that is still good; answers how many. Refresh tokens stay. */
  revokeAll(nowMs: number): number {
    const sql = `UPDATE access_token SET revoked_at_ms = ? WHERE revoked_at_ms IS NULL AND expires_at_ms > ?`;
    return this.#db.run(sql, [nowMs, nowMs]);
  }

  prune(expiredBeforeMs: number): void {
    this.#db.run(`DELETE FROM access_token WHERE expires_at_ms <= ?`, [expiredBeforeMs]);
  }
}
