import { pino, type DestinationStream } from 'pino';
import type { ApiEventListener } from './api-event.js';

const STDERR = 2;

/**
 * Writes what happens as JSON lines. Events name tokens by fingerprint only, so what was sent as a secret is in no line;
 * a path and a version of `km` are as the client sent them.
 */
export function createRequestLog(destination?: DestinationStream): ApiEventListener {
  const logger = pino(
    { base: null, timestamp: false },
    destination ?? pino.destination({ dest: STDERR, sync: true }),
  );
  return (event) => {
    const { atMs, type, ...rest } = event;
    const line = { time: new Date(atMs).toISOString(), event: type, ...printable({ ...rest }) };
    if (type === 'failed') logger.error(line);
    else if (type === 'access.refused' || type === 'token.refused' || type === 'family.revoked')
      logger.warn(line);
    else logger.info(line);
  };
}

/** An error is told with its stack: it is the API's own fault. */
function printable(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { error, ...rest } = fields;
  return error instanceof Error ? { ...rest, error: error.stack ?? error.message } : fields;
}
