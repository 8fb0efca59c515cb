import { pino, type DestinationStream } from 'pino';
import type { ApiEvent, ApiEventListener } from './api-event.js';

const STDERR = 2;

/** Writes what happens as JSON lines. Events name tokens by fingerprint only, so no line can hold a secret. */
export function createRequestLog(destination?: DestinationStream): ApiEventListener {
  const logger = pino({ base: null, timestamp: false }, destination ?? pino.destination({ dest: STDERR, sync: true }));
  return (event) => {
    const { atMs, type, ...rest } = event;
    const line = { time: new Date(atMs).toISOString(), event: type, ...printable(rest) };
    if (type === 'failed') logger.error(line);
    else if (type === 'access.refused' || type === 'token.refused' || type === 'family.revoked') logger.warn(line);
    else logger.info(line);
  };
}

/** An error is told by its name and stack only where it is the API's own fault. */
function printable(rest: Omit<ApiEvent, 'atMs' | 'type'>): Record<string, unknown> {
  const entries = Object.entries(rest).map(([key, value]: [string, unknown]) => [
    key,
    value instanceof Error ? (value.stack ?? value.message) : value,
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}
