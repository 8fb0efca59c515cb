import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import type { GrantRecord, RefreshToken } from './grant-record.js';

/** How long before a login ends for good its user is warned: 7 days. */
const LOGIN_ENDS_SOON_MS = 604_800_000;

/**
 * Whether only a human can keep a login from ending within a week. A refresh token that lives shorter and is put
 * off by each refresh says nothing of that.
 */
function endsSoon({ expiresAtMs, issuedAtMs, isEndFixed }: RefreshToken, nowMs: number): boolean {
  if (expiresAtMs === undefined || expiresAtMs - nowMs > LOGIN_ENDS_SOON_MS) return false;
  return isEndFixed === true || expiresAtMs - issuedAtMs > LOGIN_ENDS_SOON_MS;
}

/** Warns of a login that ends soon: once for each time at which it ends. */
export class ExpiryWatch {
  readonly #events: EventPublisher;
  readonly #clock: Clock;
  #toldMs: number | undefined;

  constructor(events: EventPublisher, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  look({ refreshToken }: GrantRecord): void {
    const nowMs = this.#clock.nowMs();
    const expiresAtMs = refreshToken?.expiresAtMs;
    if (refreshToken === undefined || expiresAtMs === undefined || !endsSoon(refreshToken, nowMs)) return;
    // A fixed end moves by the time an answer takes.
    if (this.#toldMs !== undefined && Math.abs(this.#toldMs - expiresAtMs) < 60_000) return;
    this.#toldMs = expiresAtMs;
    this.#events.publish({
      type: 'grant.expiring',
      refreshToken: refreshToken.secret.fingerprint,
      expiresAtMs,
      remainingMs: Math.max(0, expiresAtMs - nowMs),
    });
  }
}
