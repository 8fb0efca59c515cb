import { hash } from 'node:crypto';
import type { Direction } from './monitor-event.js';

/** Where the end of a message was in its stream, in bytes. */
export type MessagePlace = {
  readonly correlationId: string;
  readonly direction: Direction;
  readonly endsAt: number;
};

/**
 * The id of a message's event: a UUID made of where it was, so that whoever looks at a copy of the same stream, in
 * another process as well, gives it the same one.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9562#section-5.8 | RFC 9562 §5.8}
 */
export function eventIdAt({ correlationId, direction, endsAt }: MessagePlace): string {
  const hex = hash('sha256', `${correlationId} ${direction} ${endsAt}`, 'hex');
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) & 3] ?? '8';
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}
