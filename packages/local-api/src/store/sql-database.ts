import { chmodSync, closeSync, openSync } from 'node:fs';
import Database from 'libsql';
import { LocalApiError } from '../errors.js';
import { SCHEMA } from './schema.js';

/** What may be bound and read. No booleans: the driver aborts the process on one. */
export type SqlValue = string | number | null | Uint8Array;

/** One row, by column name. */
export type SqlRow = Readonly<Record<string, unknown>>;

const BUSY_TIMEOUT_MS = 5_000;

/** The one database all state lives in: a file, or memory. Synchronous; a statement is prepared once. */
export class SqlDatabase {
  readonly #driver: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();
  #isOpen = true;

  constructor(location: string) {
    try {
      if (location !== ':memory:') createPrivateFile(location);
      this.#driver = new Database(location, { timeout: BUSY_TIMEOUT_MS });
      // A rotation that was answered must never be forgotten, so every commit reaches the disk.
      this.#driver.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
      this.#driver.exec(SCHEMA);
    } catch (cause) {
      throw new LocalApiError(
        'KM_LOCAL_API_STORE_UNAVAILABLE',
        `cannot open the database ${location}; name a file in a folder that exists and can be written, or :memory:`,
        { cause },
      );
    }
  }

  /** Runs a statement; answers how many rows it changed. */
  run(sql: string, params: readonly SqlValue[] = []): number {
    return this.#prepare(sql).run([...params]).changes;
  }

  /** The first row, as `read` understands it. */
  get<T>(sql: string, params: readonly SqlValue[], read: (row: SqlRow) => T): T | undefined {
    const row = this.#prepare(sql).get([...params]);
    return row === undefined ? undefined : read(row as SqlRow);
  }

  /** All rows, as `read` understands them. */
  all<T>(sql: string, params: readonly SqlValue[], read: (row: SqlRow) => T): readonly T[] {
    return this.#prepare(sql)
      .all([...params])
      .map((row) => read(row as SqlRow));
  }

  /** Runs `work` with nobody else writing; all of it is kept, or none when it throws. */
  transaction<T>(work: () => T): T {
    this.#driver.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#driver.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#driver.inTransaction) this.#driver.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#statements.clear();
    this.#driver.close();
  }

  #prepare(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#driver.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** The file holds the signing key: nobody else may read it. SQLite gives its side files the same mode. */
function createPrivateFile(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
}
