import { authConfigFromEnvironment, refreshSettings } from '@kilometers/auth';
import { queueLimitsFrom } from '../queue/queue-limits.js';

/** What has a default that serves as well; what says whose events these are is not among them. */
const OPTIONAL = [
  'KM_REFRESH_AHEAD',
  'KM_RETRY_INTERVAL',
  'KM_MAX_RETRIES',
  'KM_CHECK_INTERVAL',
  'KM_REQUEST_TIMEOUT',
  'KM_REFRESH_DEADLINE',
  'KM_QUEUE_MAX_BYTES',
  'KM_QUEUE_MAX_AGE',
] as const;

/** The environment without settings that make no sense, and what is to be said of each: a server runs without them. */
export function usableEnvironment(environment: NodeJS.ProcessEnv): {
  readonly environment: NodeJS.ProcessEnv;
  readonly complaints: readonly string[];
} {
  const usable = { ...environment };
  const complaints: string[] = [];
  for (const name of OPTIONAL) {
    const value = environment[name];
    if (value === undefined) continue;
    try {
      refreshSettings(authConfigFromEnvironment({ [name]: value }));
      queueLimitsFrom({ [name]: value });
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a copy, and names of our own
      delete usable[name];
      const why = error instanceof Error ? error.message : String(error);
      complaints.push(`${why}; the default is used`);
    }
  }
  return { environment: usable, complaints };
}
