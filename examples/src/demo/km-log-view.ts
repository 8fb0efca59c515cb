import type { LiveView } from './live-view.js';
import type { LogLine } from './monitor-log-tail.js';

/** Shows what km says it did: token refreshes and deliveries. Messages are shown by the client's own calls. */
export function showLogLine(view: LiveView, line: LogLine): void {
  switch (line.type) {
    case 'token.issued':
      view.token(`${line.token ?? ''} obtained by API key, good for ${secondsLeft(line)} s`);
      break;
    case 'token.refreshed':
      view.token(`${line.replaced ?? ''} -> ${line.token ?? ''} refreshed, good for ${secondsLeft(line)} s`);
      break;
    case 'refresh.retried':
      view.token('cannot be refreshed now; trying again');
      break;
    case 'batch.delivered':
      view.events(`${line.events ?? 0} delivered in ${line.durationMs ?? 0} ms`);
      break;
    case 'batch.postponed':
      view.events(`${line.events ?? 0} kept for later: ${line.reason ?? ''}`);
      break;
    default:
  }
}

function secondsLeft({ at, expiresAtMs = 0 }: LogLine): string {
  return ((expiresAtMs - Date.parse(at)) / 1_000).toFixed(1);
}
