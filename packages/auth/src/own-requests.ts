import { EMPTY_GRANT, type GrantRecord } from './grant-record.js';
import { beginRequest, countRequest, explainRequest, settleRequest } from './storm-brake.js';

/** The token requests of this process that the storm brake counts, those too that the cache could not take. */
export class OwnRequests {
  #lastAtMs: number | undefined;
  /** Those that could not be noted, as a record would have them. */
  #unnoted: GrantRecord = EMPTY_GRANT;

  /** `record`, in which the request of this process that has failed counts. */
  settled(record: GrantRecord): GrantRecord {
    return settleRequest(record, this.#lastAtMs);
  }

  /** As `settled`, with those that could not be noted. */
  counted(record: GrantRecord): GrantRecord {
    const settled = this.settled(record);
    const { unexplainedRequestsAtMs: unnoted } = countRequest(this.#unnoted);
    if (unnoted.length === 0) return settled;
    const all = [...settled.unexplainedRequestsAtMs, ...unnoted];
    return { ...settled, unexplainedRequestsAtMs: all.sort((one, other) => one - other) };
  }

  /** One is about to be sent. Where it was noted, those before it were noted with it. */
  begin(nowMs: number, isNoted: boolean): void {
    this.#lastAtMs = nowMs;
    this.#unnoted = isNoted ? EMPTY_GRANT : beginRequest(countRequest(this.#unnoted), nowMs);
  }

  /** The last one was never sent, or is explained by the end of what it replaced. */
  explain(): void {
    this.#unnoted = explainRequest(this.#unnoted);
  }
}
