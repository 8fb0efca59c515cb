import { text } from './columns.js';
import type { SqlDatabase } from './sql-database.js';

/** A stored signing key. */
export type SigningKeyRecord = { readonly kid: string; readonly privateJwk: string };

/** The keys that tokens are signed with, kept so that tokens survive a restart. */
export class SigningKeys {
  readonly #db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  add(key: SigningKeyRecord, nowMs: number): void {
    this.#db.run(`INSERT INTO signing_key (kid, private_jwk, created_at_ms) VALUES (?, ?, ?)`, [
      key.kid,
      key.privateJwk,
      nowMs,
    ]);
  }

  newest(): SigningKeyRecord | undefined {
    return this.#db.get(
      `SELECT kid, private_jwk FROM signing_key ORDER BY created_at_ms DESC LIMIT 1`,
      [],
      (row) => ({ kid: text(row, 'kid'), privateJwk: text(row, 'private_jwk') }),
    );
  }
}
