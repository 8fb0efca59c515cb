import type { AuthEvent } from '@kilometers/auth';
import type { MonitorNotice } from './monitor-notice.js';
import { eventsIn } from './readable-text.js';

const WHY_DROPPED = {
  size: 'the queue is full',
  memory: 'events cannot be written and take too much memory',
  age: 'events waited too long in the queue',
  aside: 'what the API refused takes an eighth of the queue at most, and is kept for so long',
} as const;

const HUMAN = 'human';

/**
 * Tells a person what only a person can mend, each kind once a session, or once more after it worked again; and at the end
 * what was lost.
 */
export class MonitorMessages {
  readonly #tell: (message: string) => void;
  readonly #told = new Set<string>();
  #lastFailure = 'the API did not answer in time';
  #dropped = 0;
  /** A human was told what to do, and nothing worked since. */
  #needsHuman = false;

  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  readonly onNotice = (notice: MonitorNotice): void => {
    switch (notice.type) {
      case 'batch.delivered':
        this.#needsHuman = false;
        // What comes now is another trouble.
        this.#told.delete(HUMAN);
        break;
      case 'batch.postponed':
        this.#lastFailure = notice.reason;
        if (notice.needsHuman) this.tellHuman(notice.reason);
        break;
      case 'batch.refused':
        this.#tellRefused(notice);
        break;
      case 'events.dropped':
        this.#dropped += notice.count;
        this.#tellOnce(notice.why, droppedMessage(notice.count, notice.why));
        break;
      case 'queue.trouble':
        this.#tellOnce(notice.message, notice.message);
        break;
      case 'session.ended':
        this.#tellEnd(notice.undelivered - notice.lost, notice.lost);
        break;
      default:
    }
  };

  readonly onAuthEvent = (event: AuthEvent): void => {
    if (event.type === 'refresh.retried') this.#lastFailure = event.reason;
  };

  /** Says, once, why events wait until a human has done something. */
  tellHuman(reason: string): void {
    this.#lastFailure = reason;
    this.#needsHuman = true;
    this.#tellOnce(HUMAN, `monitoring goes on, and events wait in the queue: ${reason}`);
  }

  #tellRefused({ batch, reason, isKept }: Extract<MonitorNotice, { type: 'batch.refused' }>): void {
    const refusal = `the API refused ${eventsIn(batch.events.length)} (${reason})`;
    const fate = isKept
      ? ': set aside, alone, and tried again with `km queue flush`'
      : ', which is lost: it could not be set aside on the disk';
    this.#tellOnce(isKept ? 'refused' : 'refused and lost', `${refusal}${fate}; a newer km may help`);
  }

  #tellEnd(waiting: number, lost: number): void {
    if (this.#dropped > 0) this.#tell(`${eventsIn(this.#dropped)} in all were given up`);
    if (lost > 0) this.#tell(`not delivered, and lost: ${eventsIn(lost)}, because ${this.#lastFailure}`);
    // What a human must do was said already.
    if (waiting === 0 || this.#needsHuman) return;
    this.#tell(`${eventsIn(waiting)} in the queue, for a later km to deliver, because ${this.#lastFailure}`);
  }

  #tellOnce(kind: string, message: string): void {
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#tell(message);
  }
}

/** Says that the oldest events were given up, and why. */
export function droppedMessage(count: number, why: keyof typeof WHY_DROPPED): string {
  return `${WHY_DROPPED[why]}: ${eventsIn(count)} given up, the oldest`;
}
