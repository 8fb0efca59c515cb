import type { AuthEvent, AuthEventType, AuthManager } from '../../src/index.js';

export type RecordedEvents = {
  readonly all: readonly AuthEvent[];
  /** What happened, in order. */
  readonly types: () => readonly AuthEventType[];
  /** The events of one kind. */
  readonly of: <T extends AuthEventType>(type: T) => readonly Extract<AuthEvent, { readonly type: T }>[];
};

/** Keeps every event of `manager`. */
export function recordEvents(manager: AuthManager): RecordedEvents {
  const all: AuthEvent[] = [];
  manager.subscribe((event) => all.push(event));
  return {
    all,
    types: () => all.map((event) => event.type),
    of: <T extends AuthEventType>(type: T) =>
      all.filter((event): event is Extract<AuthEvent, { readonly type: T }> => event.type === type),
  };
}
