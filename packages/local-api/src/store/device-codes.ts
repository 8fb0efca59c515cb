import { number, numberOrNull, text, textOrNull } from './columns.js';
import type { SqlDatabase, SqlRow } from './sql-database.js';

/** Where a device login stands. */
export type DeviceCodeState = 'pending' | 'approved' | 'denied' | 'used';

/** A device login in progress. */
export type DeviceCodeRecord = {
  readonly hash: string;
  readonly userCode: string;
  readonly scope: string;
  readonly expiresAtMs: number;
  readonly intervalMs: number;
  readonly polledAtMs: number | null;
  readonly state: DeviceCodeState;
  /** The account that approved it. */
  readonly subject: string | null;
};

/** Device logins in progress. */
export class DeviceCodes {
  readonly #db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  /** Adds a pending code; false when the user code is taken. */
  add(code: Pick<DeviceCodeRecord, 'hash' | 'userCode' | 'scope' | 'expiresAtMs' | 'intervalMs'>): boolean {
    const added = this.#db.run(
      `INSERT INTO device_code (hash, user_code, scope, expires_at_ms, interval_ms, state)
       VALUES (?, ?, ?, ?, ?, 'pending') ON CONFLICT (user_code) DO NOTHING`,
      [code.hash, code.userCode, code.scope, code.expiresAtMs, code.intervalMs],
    );
    return added > 0;
  }

  find(hash: string): DeviceCodeRecord | undefined {
    return this.#db.get(`SELECT * FROM device_code WHERE hash = ?`, [hash], readDeviceCode);
  }

  findByUserCode(userCode: string): DeviceCodeRecord | undefined {
    return this.#db.get(`SELECT * FROM device_code WHERE user_code = ?`, [userCode], readDeviceCode);
  }

  recordPoll(hash: string, polledAtMs: number, intervalMs: number): void {
    this.#db.run(`UPDATE device_code SET polled_at_ms = ?, interval_ms = ? WHERE hash = ?`, [
      polledAtMs,
      intervalMs,
      hash,
    ]);
  }

  /** Records the answer of the person; false when there was one already. */
  decide(hash: string, state: 'approved' | 'denied', subject: string): boolean {
    const sql = `UPDATE device_code SET state = ?, subject = ? WHERE hash = ? AND state = 'pending'`;
    return this.#db.run(sql, [state, subject, hash]) > 0;
  }

  /** Uses an approved code up; false when it is not approved (any more). */
  use(hash: string): boolean {
    return (
      this.#db.run(`UPDATE device_code SET state = 'used' WHERE hash = ? AND state = 'approved'`, [hash]) > 0
    );
  }

  prune(expiredBeforeMs: number): void {
    this.#db.run(`DELETE FROM device_code WHERE expires_at_ms <= ?`, [expiredBeforeMs]);
  }
}

function readDeviceCode(row: SqlRow): DeviceCodeRecord {
  return {
    hash: text(row, 'hash'),
    userCode: text(row, 'user_code'),
    scope: text(row, 'scope'),
    expiresAtMs: number(row, 'expires_at_ms'),
    intervalMs: number(row, 'interval_ms'),
    polledAtMs: numberOrNull(row, 'polled_at_ms'),
    state: readState(text(row, 'state')),
    subject: textOrNull(row, 'subject'),
  };
}

function readState(state: string): DeviceCodeState {
  if (state === 'pending' || state === 'approved' || state === 'denied') return state;
  return 'used';
}
