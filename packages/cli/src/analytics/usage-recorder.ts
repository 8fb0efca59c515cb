import type { AuthEvent } from '@kilometers/auth';
import type { NotableKind, RefreshRecord, UsageRecord } from './usage-record.js';

export type UsageRecorderOptions = {
  readonly api: string;
  readonly by: () => string;
  /** Which scope a token is for that events name by its key. */
  readonly scopeOf: (tokenKey: string) => string;
  readonly write: (record: UsageRecord) => void;
};

/** A refresh that has begun. */
type Begun = { readonly atMs: number; readonly tries: number; readonly grant: string };

/** Makes records of the manager's events: one for a refresh, however many events it has. */
export class UsageRecorder {
  readonly #options: UsageRecorderOptions;
  readonly #begun = new Map<string, Begun>();

  constructor(options: UsageRecorderOptions) {
    this.#options = options;
  }

  readonly onEvent = (event: AuthEvent): void => {
    switch (event.type) {
      case 'refresh.started': {
        const before = this.#begun.get(event.scope);
        this.#begun.set(event.scope, {
          atMs: before?.atMs ?? event.atMs,
          tries: (before?.tries ?? 0) + 1,
          grant: event.grantType,
        });
        return;
      }
      case 'token.issued':
      case 'token.refreshed':
        this.#end(event, {
          code: null,
          token: event.token,
          replaced: event.type === 'token.refreshed' ? (event.replaced ?? null) : null,
          lifeMs: Math.max(0, event.expiresAtMs - event.atMs),
        });
        return;
      case 'refresh.failed': {
        // Without a request nothing was tried: a human was needed from the beginning.
        const wasTried = this.#begun.has(event.scope) || event.code !== 'KM_AUTH_LOGIN_REQUIRED';
        if (wasTried) this.#end(event, { code: event.code, token: null, replaced: null, lifeMs: null });
        return;
      }
      default:
        this.#note(event);
    }
  };

  #end(
    event: AuthEvent & { readonly scope: string },
    outcome: Pick<RefreshRecord, 'code' | 'token' | 'replaced' | 'lifeMs'>,
  ): void {
    const begun = this.#begun.get(event.scope);
    this.#begun.delete(event.scope);
    this.#options.write({
      ...this.#base(event),
      type: 'refresh',
      scope: this.#options.scopeOf(event.scope),
      grant: begun?.grant ?? null,
      tries: begun?.tries ?? 0,
      ms: begun === undefined ? 0 : Math.max(0, event.atMs - begun.atMs),
      ...outcome,
    });
  }

  #note(event: AuthEvent): void {
    const note = notableIn(event);
    if (note === undefined) return;
    const [kind, detail] = note;
    this.#options.write({ ...this.#base(event), type: 'event', kind, detail });
  }

  #base({ atMs, profile }: AuthEvent) {
    return { at: atMs, profile, api: this.#options.api, by: this.#options.by() };
  }
}

/** What of other events is counted, and what is kept of it; no message, for these may have anything in them. */
function notableIn(event: AuthEvent): readonly [NotableKind, string] | undefined {
  switch (event.type) {
    case 'grant.fallback':
      return ['fallback', `${event.from} to ${event.to}`];
    case 'grant.cleared':
      return ['grant-cleared', event.refreshToken];
    case 'refresh.answer-lost':
      return ['answer-lost', event.refreshToken];
    case 'security.event':
      return ['security', event.reason];
    case 'storm.braked':
      return ['storm', `${event.requests} requests`];
    case 'clock.jumped':
      return ['clock-jump', `${Math.round(event.byMs)} ms`];
    case 'clock.skewed':
      return ['clock-skew', `${Math.round(event.skewMs)} ms`];
    case 'offline.entered':
      return ['offline', ''];
    case 'cache.corrupt':
      return ['cache-corrupt', ''];
    default:
      return undefined;
  }
}
