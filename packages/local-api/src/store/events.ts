import { bytes, number, text, wholeText } from './columns.js';
import type { SqlDatabase, SqlRow } from './sql-database.js';

/** One message the CLI saw, as stored. */
export type StoredEvent = {
  /** Counts up in the order of arrival. */
  readonly sequence: number;
  readonly id: string;
  /** RFC 3339, as the CLI sent it. */
  readonly timestamp: string;
  readonly direction: 'inbound' | 'outbound';
  readonly method: string | null;
  /** Decoded. */
  readonly payload: Uint8Array;
  readonly size: number;
  readonly correlationId: string;
  readonly batchCorrelationId: string;
  readonly cliVersion: string;
  /** The account that sent it. */
  readonly subject: string;
  /** When it came, in milliseconds since the epoch. */
  readonly receivedAtMs: number;
};

/** Which events to list, oldest first. */
export type EventQuery = {
  /** Only events after this one. */
  readonly afterSequence?: number;
  /** At most so many; 1000 unless told. */
  readonly limit?: number;
};

const COLUMNS = `sequence, timestamp, direction, payload, size, subject, received_at_ms,
  CAST(id AS BLOB) AS id, CAST(method AS BLOB) AS method, CAST(correlation_id AS BLOB) AS correlation_id,
  CAST(batch_correlation_id AS BLOB) AS batch_correlation_id, CAST(cli_version AS BLOB) AS cli_version`;

/** The events, each id once. */
export class Events {
  readonly #db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  /** Stores an event; false when its id was there already. */
  add(event: Omit<StoredEvent, 'sequence'>): boolean {
    const added = this.#db.run(
      `INSERT INTO event (id, timestamp, direction, method, payload, size, correlation_id,
                          batch_correlation_id, cli_version, subject, received_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      [
        event.id,
        event.timestamp,
        event.direction,
        event.method,
        event.payload,
        event.size,
        event.correlationId,
        event.batchCorrelationId,
        event.cliVersion,
        event.subject,
        event.receivedAtMs,
      ],
    );
    return added > 0;
  }

  count(): number {
    return this.#db.get(`SELECT count(*) AS n FROM event`, [], (row) => number(row, 'n')) ?? 0;
  }

  list(query: EventQuery = {}): readonly StoredEvent[] {
    return this.#db.all(
      `SELECT ${COLUMNS} FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?`,
      [query.afterSequence ?? 0, query.limit ?? 1_000],
      readEvent,
    );
  }
}

function readEvent(row: SqlRow): StoredEvent {
  return {
    sequence: number(row, 'sequence'),
    id: wholeText(row, 'id'),
    timestamp: text(row, 'timestamp'),
    direction: text(row, 'direction') === 'inbound' ? 'inbound' : 'outbound',
    method: row['method'] === null ? null : wholeText(row, 'method'),
    payload: bytes(row, 'payload'),
    size: number(row, 'size'),
    correlationId: wholeText(row, 'correlation_id'),
    batchCorrelationId: wholeText(row, 'batch_correlation_id'),
    cliVersion: wholeText(row, 'cli_version'),
    subject: text(row, 'subject'),
    receivedAtMs: number(row, 'received_at_ms'),
  };
}
