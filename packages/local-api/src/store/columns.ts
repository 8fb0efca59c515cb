import { isArrayBuffer, isUint8Array } from 'node:util/types';
import type { SqlRow } from './sql-database.js';

function wrong(row: SqlRow, column: string): Error {
  return new Error(`column ${column} holds ${typeof row[column]}`);
}

/** A column that holds text. */
export function text(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw wrong(row, column);
}

/** A column that holds text or nothing. */
export function textOrNull(row: SqlRow, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

/** A column that holds a number. */
export function number(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value === 'number') return value;
  throw wrong(row, column);
}

/** A column that holds a number or nothing. */
export function numberOrNull(row: SqlRow, column: string): number | null {
  return row[column] === null ? null : number(row, column);
}

/** A column that holds bytes. */
export function bytes(row: SqlRow, column: string): Uint8Array {
  const value = row[column];
  // The driver's get() gives a Buffer, its all() an ArrayBuffer.
  if (isUint8Array(value)) return value;
  if (isArrayBuffer(value)) return Buffer.from(value);
  throw wrong(row, column);
}

/** A column that holds bytes or nothing. */
export function bytesOrNull(row: SqlRow, column: string): Uint8Array | null {
  return row[column] === null ? null : bytes(row, column);
}

/** A column cast to BLOB that holds text: the driver cuts text off at a NUL, bytes it leaves whole. */
export function wholeText(row: SqlRow, column: string): string {
  return Buffer.from(bytes(row, column)).toString('utf8');
}
