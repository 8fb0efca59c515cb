import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import Database from 'libsql';
import { LocalApiError } from '../errors.js';
import { SCHEMA, TABLES } from './schema.js';

/** What may be bound and read. No booleans: the driver aborts the process on one. */
export type SqlValue = string | number | null | Uint8Array;

/** One row, by column name. */
export type SqlRow = Readonly<Record<string, unknown>>;

const BUSY_TIMEOUT_MS = 5_000;
const PRIVATE = 0o600;

/** The one database all state lives in: a file, or memory. Synchronous; a statement is prepared once. */
export class SqlDatabase {
  readonly #driver: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();
  #isOpen = true;

  constructor(location: string) {
    this.#driver = openDriver(location);
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

function openDriver(location: string): Database.Database {
  const isFile = location !== ':memory:';
  let driver: Database.Database | undefined;
  try {
    if (isFile) createPrivateFile(location);
    driver = new Database(location, { timeout: BUSY_TIMEOUT_MS });
    if (isOfAnotherProgram(driver)) throw new NotOurs();
    if (isFile) makePrivate(location);
    // A rotation that was answered must never be forgotten, so every commit reaches the disk.
    driver.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    driver.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
    return driver;
  } catch (cause) {
    driver?.close();
    const message =
      cause instanceof NotOurs || codeOf(cause) === 'SQLITE_NOTADB'
        ? `${location} is no database of this API, and was left as it is; name another file, a new one, or :memory:`
        : `cannot open the database ${location}; name a file in a folder that exists and can be written, or :memory:`;
    throw new LocalApiError('KM_LOCAL_API_STORE_UNAVAILABLE', message, { cause });
  }
}

class NotOurs extends Error {}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/**
 * Whether tables stand there and not all of ours: others have an `account` too. Since ours are made in one transaction, a
 * file has all or none, whenever its process was killed. Fails where the file is no database at all.
 */
function isOfAnotherProgram(driver: Database.Database): boolean {
  const rows = driver.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as SqlRow[];
  const names = new Set(rows.map(({ name }) => name));
  return names.size > 0 && TABLES.some((table) => !names.has(table));
}

/** What is there already stays as it is: it may be anything. */
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', PRIVATE));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** The file holds the signing key: nobody else may read it, nor the side files, which SQLite gives its mode. */
function makePrivate(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, PRIVATE);
}
