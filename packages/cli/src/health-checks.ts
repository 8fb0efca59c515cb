import type { Clock, FileCache } from '@kilometers/auth';
import type { Storage } from './token-cache.js';
import { serviceUrl, type Account } from './settings.js';

/** One thing that was looked at. */
export type HealthCheck = {
  readonly name: 'settings' | 'endpoint' | 'clock' | 'cache' | 'files' | 'lock' | 'login';
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** What to do about it. */
  readonly remedy: string | null;
};

/** An API that has not answered by then counts as out of reach. */
const HEALTH_TIMEOUT_MS = 3_000;
/** Clocks that differ by more than this are worth a word. */
const NOTABLE_SKEW_MS = 30_000;

function ok(name: HealthCheck['name'], detail: string): HealthCheck {
  return { name, state: 'ok', detail, remedy: null };
}

function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

export function settingsCheck({ profile, endpoint, credential, note }: Account): HealthCheck {
  const key = credential === undefined ? 'no credential' : `${credential.value} (${credential.source})`;
  const detail = `profile ${profile.value} (${profile.source}), endpoint ${endpoint.value} (${endpoint.source}), ${key}`;
  return note === undefined
    ? ok('settings', detail)
    : {
        name: 'settings',
        state: 'warning',
        detail: `${detail}; ${note}`,
        remedy: 'log in for this endpoint',
      };
}

/** Asks the API how it is; what it answers tells the time, too. */
export async function endpointChecks(
  { endpoint }: Account,
  send: typeof fetch,
  clock: Clock,
): Promise<readonly HealthCheck[]> {
  const timeout = new AbortController();
  const cancel = clock.schedule(
    () => {
      timeout.abort(new Error(`no answer within ${HEALTH_TIMEOUT_MS} ms`));
    },
    HEALTH_TIMEOUT_MS,
    true,
  );
  const remedy = 'check the network, and KILOMETERS_API_ENDPOINT or --endpoint';
  try {
    const url = serviceUrl(endpoint.value, '/health');
    const response = await send(url, { signal: timeout.signal, redirect: 'manual' });
    await response.body?.cancel();
    if (response.status !== 200) {
      return [{ name: 'endpoint', state: 'failed', detail: `${url} answered ${response.status}`, remedy }];
    }
    return [ok('endpoint', `${url} answers`), clockCheck(response.headers.get('date'), clock.nowMs())];
  } catch (error) {
    const detail = `${endpoint.value} cannot be reached: ${messageOf(error)}`;
    return [{ name: 'endpoint', state: 'failed', detail, remedy }];
  } finally {
    cancel();
  }
}

function clockCheck(date: string | null, nowMs: number): HealthCheck {
  const skewMs = date === null ? Number.NaN : nowMs - Date.parse(date);
  if (Number.isNaN(skewMs)) return ok('clock', 'the API does not tell the time');
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (Math.abs(skewMs) <= NOTABLE_SKEW_MS) return ok('clock', `within ${seconds} s of the API's`);
  const detail = `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the API's; tokens are kept all the same`;
  return { name: 'clock', state: 'warning', detail, remedy: 'set the clock, or turn on NTP' };
}

/** Where tokens are kept, whether the files open, and who holds a lock. */
export async function storageChecks({ files, folder, whyMemory }: Storage): Promise<readonly HealthCheck[]> {
  if (files === undefined || whyMemory !== undefined) {
    const detail = `tokens stay in memory: ${whyMemory ?? 'there is no folder'}`;
    return [
      { name: 'cache', state: 'warning', detail, remedy: 'set KM_CONFIG_DIR, unset KM_NO_TOKEN_CACHE' },
    ];
  }
  const notices: string[] = [];
  const unsubscribe = files.subscribe?.(({ message }) => notices.push(message));
  try {
    const source = files.keySource();
    const key =
      source === undefined ? 'no key yet' : `key from the ${source === 'file' ? 'key file' : 'OS keyring'}`;
    const grants = await files.listGrants();
    const logins = await files.logins.list();
    const locks = await lockChecks(files, grants);
    const cache = ok('cache', `${folder ?? ''}, ${key}`);
    if (notices.length === 0)
      return [cache, ok('files', `${logins.length} logins and ${grants.length} grants open`), ...locks];
    const remedy = 'nothing: the next refresh sets aside what is damaged; log in again if a login is missing';
    return [cache, { name: 'files', state: 'warning', detail: notices.join('; '), remedy }, ...locks];
  } catch (error) {
    const remedy = 'do what it says, then run km doctor again';
    return [{ name: 'files', state: 'failed', detail: messageOf(error), remedy }];
  } finally {
    unsubscribe?.();
  }
}

async function lockChecks(
  files: FileCache,
  grants: Awaited<ReturnType<FileCache['listGrants']>>,
): Promise<readonly HealthCheck[]> {
  const owners = await Promise.all(grants.map((grant) => files.lockOwner(grant)));
  const held = owners.filter((owner) => owner !== undefined);
  if (held.length === 0) return [ok('lock', 'free')];
  const detail = `held by ${held.join(', ')}`;
  return [
    { name: 'lock', state: 'warning', detail, remedy: 'a refresh is under way; look again in a minute' },
  ];
}

/** Whether it goes on without a human. */
export function loginCheck({ credential, loginCommand }: Account): HealthCheck {
  if (credential !== undefined) return ok('login', `refreshes without a human, by ${credential.value}`);
  const remedy = `run ${loginCommand}`;
  return { name: 'login', state: 'failed', detail: 'nobody is logged in', remedy };
}
