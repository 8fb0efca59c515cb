import type { AuthEvent } from '@kilometers/auth';
import type { MonitorNotice } from './monitor-notice.js';

/** Tells a person what only a person can mend, each kind once a session, and at the end what was lost. */
export class MonitorMessages {
  readonly #tell: (message: string) => void;
  readonly #told = new Set<string>();
  #lastFailure = 'the API did not answer in time';

  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  readonly onNotice = (notice: MonitorNotice): void => {
    switch (notice.type) {
      case 'batch.postponed':
        this.#lastFailure = notice.reason;
        if (notice.needsHuman) {
          this.#tellOnce('human', `monitoring goes on, but no event is delivered: ${notice.reason}`);
        }
        break;
      case 'batch.refused':
        this.#tellOnce(
          'refused',
          `the API refused ${countOf(notice.batch.events.length)} (${notice.reason}); a newer km may help`,
        );
        break;
      case 'events.dropped':
        this.#tellOnce('dropped', 'events come faster than the API takes them: the oldest are given up');
        break;
      case 'session.ended':
        if (notice.undelivered > 0) {
          this.#tell(`not delivered, and lost: ${countOf(notice.undelivered)}, because ${this.#lastFailure}`);
        }
        break;
      default:
    }
  };

  readonly onAuthEvent = (event: AuthEvent): void => {
    if (event.type === 'refresh.retried') this.#lastFailure = event.reason;
  };

  #tellOnce(kind: string, message: string): void {
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#tell(message);
  }
}

/** `1 event`, `2 events`. */
function countOf(events: number): string {
  return events === 1 ? '1 event' : `${events} events`;
}
