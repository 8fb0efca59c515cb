import type { ApiEvent } from '@kilometers/local-api';
import { startApi } from './api.js';
import { userCodeIn } from './device-page.js';
import { environment, type RunningKm } from './km.js';
import { configFolderOf } from './login-owner.js';
import { until } from './until.js';

/** An API that lets devices ask every second, an environment for it, and what happened there. */
export async function deviceApi(options: Parameters<typeof startApi>[0] = {}) {
  const events: ApiEvent[] = [];
  const api = await startApi({
    deviceIntervalSeconds: 1,
    ...options,
    onEvent: (event) => events.push(event),
  });
  const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
  const count = (type: ApiEvent['type']): number => events.filter((event) => event.type === type).length;
  return { api, env, events, count, folder: configFolderOf(env) };
}

/** The code that `km` says, once it does. */
export const codeOf = (km: Pick<RunningKm, 'stderr'>): Promise<string> =>
  until('the code', () => userCodeIn(km.stderr()) ?? '');
