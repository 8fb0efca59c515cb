import type { SqlDatabase } from './sql-database.js';

/** How a family of tokens began. */
export type GrantType = 'api_key' | 'client_credentials' | 'device_code';

/** Why a family ended. */
export type RevocationReason = 'reuse' | 'revoked';

/** Everything that came of one login: its refresh tokens, one after the other, and their access tokens. */
export type Family = {
  readonly id: string;
  readonly subject: string;
  readonly scope: string;
  readonly grantType: GrantType;
  readonly createdAtMs: number;
};

/** The logins, each of which lives and dies as a whole. */
export class Families {
  readonly #db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  add(family: Family): void {
    this.#db.run(
      `INSERT INTO family (id, subject, scope, grant_type, created_at_ms) VALUES (?, ?, ?, ?, ?)`,
      [family.id, family.subject, family.scope, family.grantType, family.createdAtMs],
    );
  }

  /** Ends a family with all its tokens; false when it had ended before. */
  revoke(id: string, because: RevocationReason, nowMs: number): boolean {
    const sql = `UPDATE family SET revoked_at_ms = ?, revoked_because = ? WHERE id = ? AND revoked_at_ms IS NULL`;
    return this.#db.run(sql, [nowMs, because, id]) > 0;
  }

  /** Ends every living family; answers how many. */
  revokeAll(nowMs: number): number {
    const sql = `UPDATE family SET revoked_at_ms = ?, revoked_because = 'revoked' WHERE revoked_at_ms IS NULL`;
    return this.#db.run(sql, [nowMs]);
  }

  /** Forgets families that no token refers to any more. */
  prune(): void {
    this.#db.run(
      `DELETE FROM family
       WHERE NOT EXISTS (SELECT 1 FROM refresh_token WHERE family_id = family.id)
         AND NOT EXISTS (SELECT 1 FROM access_token WHERE family_id = family.id)`,
    );
  }
}
