import { hashSecret } from '../secrets.js';
import { asTier, type Tier } from '../tiers.js';
import { numberOrNull, text } from './columns.js';
import type { SqlDatabase } from './sql-database.js';

/** Who a token speaks for. */
export type Account = { readonly subject: string; readonly tier: Tier };

/** An account with the state of the credential it was found by. */
export type CredentialMatch = Account & { readonly isRevoked: boolean };

/** Accounts, and the credentials (API keys, clients) that open them. */
export class Accounts {
  readonly #db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  save(account: Account): void {
    this.#db.run(
      `INSERT INTO account (subject, tier) VALUES (?, ?) ON CONFLICT (subject) DO UPDATE SET tier = excluded.tier`,
      [account.subject, account.tier],
    );
  }

  find(subject: string): Account | undefined {
    return this.#db.get(`SELECT subject, tier FROM account WHERE subject = ?`, [subject], (row) => ({
      subject: text(row, 'subject'),
      tier: asTier(text(row, 'tier')),
    }));
  }

  /** Adds an API key, or makes a revoked one valid again. */
  saveApiKey(apiKey: string, account: Account, nowMs: number): void {
    this.save(account);
    this.#db.run(
      `INSERT INTO api_key (hash, subject, created_at_ms) VALUES (?, ?, ?)
       ON CONFLICT (hash) DO UPDATE SET subject = excluded.subject, revoked_at_ms = NULL`,
      [hashSecret(apiKey), account.subject, nowMs],
    );
  }

  revokeApiKey(apiKey: string, nowMs: number): boolean {
    const sql = `UPDATE api_key SET revoked_at_ms = ? WHERE hash = ? AND revoked_at_ms IS NULL`;
    return this.#db.run(sql, [nowMs, hashSecret(apiKey)]) > 0;
  }

  findByApiKey(apiKey: string): CredentialMatch | undefined {
    return this.#db.get(
      `SELECT subject, tier, revoked_at_ms FROM api_key JOIN account USING (subject) WHERE hash = ?`,
      [hashSecret(apiKey)],
      (row) => ({
        subject: text(row, 'subject'),
        tier: asTier(text(row, 'tier')),
        isRevoked: numberOrNull(row, 'revoked_at_ms') !== null,
      }),
    );
  }

  saveClient(clientId: string, clientSecret: string, account: Account): void {
    this.save(account);
    this.#db.run(
      `INSERT INTO client (client_id, secret_hash, subject) VALUES (?, ?, ?)
       ON CONFLICT (client_id) DO UPDATE SET secret_hash = excluded.secret_hash, subject = excluded.subject`,
      [clientId, hashSecret(clientSecret), account.subject],
    );
  }

  findByClient(clientId: string, clientSecret: string): Account | undefined {
    return this.#db.get(
      `SELECT subject, tier FROM client JOIN account USING (subject) WHERE client_id = ? AND secret_hash = ?`,
      [clientId, hashSecret(clientSecret)],
      (row) => ({ subject: text(row, 'subject'), tier: asTier(text(row, 'tier')) }),
    );
  }
}
