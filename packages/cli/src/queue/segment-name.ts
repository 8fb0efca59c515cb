import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';

/*
 * A segment is named `TIME-CHANCE.STATE`: when it was begun (milliseconds, 15 digits, so that names are in order), what
 * tells it from others of that time, and
 *
 *   open     its process may still append
 *   closed   nothing is appended any more
 *   refused  events that the API will not have, kept to be looked at
 *   prelude  no events yet: what passed and was not looked at
 *
 * One that was damaged has `.corrupt` behind its name.
 */
export type SegmentState = 'open' | 'closed' | 'refused' | 'prelude';

/** Of segments of events: a prelude has to become one first. */
const NAME = /^(\d{15})-([0-9a-f]{12})\.(open|closed|refused)$/;

/** A segment as its name tells. */
export type SegmentFile = {
  readonly folder: string;
  /** `TIME-CHANCE`: it stays when the state changes. */
  readonly name: string;
  readonly state: SegmentState;
  readonly begunAtMs: number;
};

/** Two segments that this process begins in one millisecond stay in order. */
let lastMs = 0;

export function newSegmentName(nowMs: number): string {
  lastMs = Math.max(Math.floor(nowMs), lastMs + 1);
  return `${String(lastMs).padStart(15, '0')}-${randomBytes(6).toString('hex')}`;
}

export function parseSegmentPath(path: string): SegmentFile | undefined {
  const [, time = '', chance = '', state] = NAME.exec(basename(path)) ?? [];
  if (state === undefined) return undefined;
  const folder = path.slice(0, -basename(path).length - 1);
  return { folder, name: `${time}-${chance}`, state: state as SegmentState, begunAtMs: Number(time) };
}

/** When a file of the queue was begun, in milliseconds since the epoch, as its name says. */
export function begunAtMs(path: string): number {
  return Number(basename(path).split('-')[0]);
}

export function segmentPath({ folder, name, state }: Omit<SegmentFile, 'begunAtMs'>): string {
  return join(folder, `${name}.${state}`);
}
