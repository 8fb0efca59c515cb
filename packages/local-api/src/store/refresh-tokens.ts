import { bytesOrNull, number, numberOrNull, text, textOrNull } from './columns.js';
import type { SqlDatabase } from './sql-database.js';

/** A refresh token as stored, with the state of its family. */
export type RefreshTokenRecord = {
  readonly hash: string;
  readonly familyId: string;
  readonly expiresAtMs: number;
  readonly consumedAtMs: number | null;
  readonly sealedAnswer: Uint8Array | null;
  readonly subject: string;
  readonly scope: string;
  readonly familyRevokedBecause: string | null;
};

/** Refresh tokens; used ones are kept until they expire, so that a second use is recognised. */
export class RefreshTokens {
  readonly #db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  add(token: { readonly hash: string; readonly familyId: string; readonly expiresAtMs: number }): void {
    this.#db.run(`INSERT INTO refresh_token (hash, family_id, expires_at_ms) VALUES (?, ?, ?)`, [
      token.hash,
      token.familyId,
      token.expiresAtMs,
    ]);
  }

  find(hash: string): RefreshTokenRecord | undefined {
    return this.#db.get(
      `SELECT hash, family_id, expires_at_ms, consumed_at_ms, sealed_answer, subject, scope, revoked_because
       FROM refresh_token JOIN family ON family.id = family_id WHERE hash = ?`,
      [hash],
      (row) => ({
        hash: text(row, 'hash'),
        familyId: text(row, 'family_id'),
        expiresAtMs: number(row, 'expires_at_ms'),
        consumedAtMs: numberOrNull(row, 'consumed_at_ms'),
        sealedAnswer: bytesOrNull(row, 'sealed_answer'),
        subject: text(row, 'subject'),
        scope: text(row, 'scope'),
        familyRevokedBecause: textOrNull(row, 'revoked_because'),
      }),
    );
  }

  /** Marks a refresh token as used, with the answer it got (sealed) where it may be asked for again. */
  consume(hash: string, nowMs: number, sealedAnswer: Uint8Array | null): void {
    this.#db.run(`UPDATE refresh_token SET consumed_at_ms = ?, sealed_answer = ? WHERE hash = ?`, [
      nowMs,
      sealedAnswer,
      hash,
    ]);
  }

  prune(expiredBeforeMs: number): void {
    this.#db.run(`DELETE FROM refresh_token WHERE expires_at_ms <= ?`, [expiredBeforeMs]);
  }
}
