import { EMPTY_GRANT, type GrantRecord } from './grant-record.js';

/** Whether a change is made again later than meant, so that others may have written in between. */
export type Lateness = {
  /** Whether it could not be stored before, or not whole. */
  readonly isLate: boolean;
  /** Whether a refresh token was stored after the first try to make this change, and has been removed since. */
  readonly isGone: boolean;
};

export const AT_FIRST: Lateness = { isLate: false, isGone: false };

/** Makes a record of the one that is stored; returns that one where nothing is to change. */
export type Change = (current: GrantRecord, when: Lateness) => GrantRecord;

/** A change that is being stored, or could not be. */
export type UnstoredChange = {
  readonly change: Change;
  /** What it is about, where a later change about the same makes it needless. */
  readonly subject: string | undefined;
  hasFailed: boolean;
  hasSeenLogin: boolean;
};

/** `changes` and one more, without those that have failed and that it makes needless. */
export function withUnstored(
  changes: readonly UnstoredChange[],
  change: Change,
  subject?: string,
): readonly UnstoredChange[] {
  const isNeedless = (each: UnstoredChange): boolean =>
    subject !== undefined && each.subject === subject && each.hasFailed;
  return [
    ...changes.filter((each) => !isNeedless(each)),
    { change, subject, hasFailed: false, hasSeenLogin: false },
  ];
}

/**
 * What is stored, with these changes on top of it.
 *
 * @param stored `undefined` where it cannot be read: then nobody knows what others have written.
 */
export function withChanges(
  stored: GrantRecord | undefined,
  changes: readonly UnstoredChange[],
): GrantRecord {
  const isEmpty = stored?.refreshToken === undefined;
  return changes.reduce((record, { change, hasFailed, hasSeenLogin }) => {
    const isLate = stored !== undefined && hasFailed;
    return change(record, { isLate, isGone: isLate && hasSeenLogin && isEmpty });
  }, stored ?? EMPTY_GRANT);
}

/**
 * Remembers that a refresh token is stored. If it is missing later, somebody removed it; if none was ever seen, the storage
 * may simply have lost everything.
 */
export function noteSeen(stored: GrantRecord | undefined, changes: readonly UnstoredChange[]): void {
  if (stored?.refreshToken === undefined) return;
  for (const each of changes) each.hasSeenLogin ||= each.hasFailed;
}
