import { hash } from 'node:crypto';
import type { Direction } from './monitor-event.js';

/** Bytes of a stream are counted in so many digits of base 16. */
const PLACE_DIGITS = 12;

/** Names the event of a message by where its end was in its stream, in bytes. */
export type EventIds = (endsAt: number) => string;

/**
 * The ids of one direction of a session: UUIDs made of where a message was, so that whoever looks at a copy of the same
 * stream, in another process as well, gives its event the same one. All but the place, which stands at the end as it is,
 * is a hash of the session and the direction.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9562#section-5.8 | RFC 9562 §5.8}
 */
export function eventIdsOf(correlationId: string, direction: Direction): EventIds {
  const hex = hash('sha256', `${correlationId} ${direction}`, 'hex');
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) & 3] ?? '8';
  const groups = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, variant + hex.slice(17, 20)];
  const lead = `${groups.join('-')}-`;
  return (endsAt) => lead + endsAt.toString(16).padStart(PLACE_DIGITS, '0');
}
