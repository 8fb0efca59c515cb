import { isExplained } from '../exit-code.js';
import { messageOf } from '../message-of.js';

/** What is looked at. */
export type CheckName =
  | 'km'
  | 'config'
  | 'settings'
  | 'endpoint'
  | 'tls'
  | 'clock'
  | 'proxy'
  | 'permissions'
  | 'key'
  | 'cache'
  | 'lock'
  | 'queue'
  | 'login';

/** One thing that was looked at. */
export type HealthCheck = {
  readonly name: CheckName;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** What to do about it. */
  readonly remedy: string | null;
};

export function ok(name: CheckName, detail: string): HealthCheck {
  return { name, state: 'ok', detail, remedy: null };
}

export function warning(name: CheckName, detail: string, remedy: string): HealthCheck {
  return { name, state: 'warning', detail, remedy };
}

export function failed(name: CheckName, detail: string, remedy: string): HealthCheck {
  return { name, state: 'failed', detail, remedy };
}

/** That looking itself failed. What was written for a user says what to do. */
export function failedBy(name: CheckName, error: unknown): HealthCheck {
  const remedy = isExplained(error) ? 'do what it says' : 'see what keeps km from it';
  return failed(name, messageOf(error), `${remedy}, then run km doctor again`);
}

/** What `look` finds; where looking itself fails, that is what was found, and the others are looked at all the same. */
export async function attempt(
  name: CheckName,
  look: () => readonly HealthCheck[] | Promise<readonly HealthCheck[]>,
): Promise<readonly HealthCheck[]> {
  try {
    return await look();
  } catch (error) {
    return [failedBy(name, error)];
  }
}
