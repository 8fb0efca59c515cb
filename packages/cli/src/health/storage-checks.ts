import { revocableTokens, type GrantKey } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { grantOfAccount } from '../grant-of-account.js';
import { eventsIn } from '../monitor/readable-text.js';
import { queueReport } from '../queue/queue-report.js';
import { countPendingRevocations } from '../queue/pending-revocations.js';
import { queuePlace } from '../queue/queue-place.js';
import { surveyQueue } from '../queue/queue-survey.js';
import type { Account } from '../settings.js';
import type { SharedCache, Storage } from '../token-cache.js';
import { failedBy, ok, warning, type HealthCheck } from './health-check.js';

/** Where tokens are kept, whether the files open, and who holds a lock: of a grant that is there, or of the account's to be. */
export async function storageChecks(
  { files, folder, address, whyMemory }: Storage,
  account: Account | undefined,
): Promise<readonly HealthCheck[]> {
  if (files === undefined || whyMemory !== undefined) {
    const detail = `tokens stay in memory: ${whyMemory ?? 'there is no folder'}`;
    const remedy = files === undefined ? 'set KM_CONFIG_DIR to a folder for them' : 'unset KM_NO_TOKEN_CACHE';
    return [warning('cache', detail, remedy)];
  }
  const notices: string[] = [];
  const unsubscribe = files.subscribe?.(({ kind, message }) => {
    // A mode that was put right is no damage: the check of permissions tells it.
    if (kind === 'corrupt') notices.push(message);
  });
  try {
    const key = keyCheck(files);
    const grants = await files.listGrants();
    const logins = await files.logins.list();
    const locks = await lockChecks(files, [...grants, ...keysOf(account)]);
    const eviction = await evictionChecks(files);
    const records = await Promise.all(grants.map((grant) => files.getGrant(grant)));
    // Of one that was ended only that is kept.
    const kept = records.filter((record) => record !== undefined && revocableTokens(record).length > 0);
    if (notices.length === 0) {
      const detail = `${address ?? folder ?? ''} opens: ${logins.length} logins, ${kept.length} grants`;
      return [key, ok('cache', detail), ...eviction, ...locks];
    }
    const remedy = 'nothing: the next refresh sets aside what is damaged; log in again if a login is missing';
    return [key, warning('cache', notices.join('; '), remedy), ...eviction, ...locks];
  } catch (error) {
    return [failedBy('cache', error)];
  } finally {
    unsubscribe?.();
  }
}

/** What protects what is kept. */
const KEY_PROTECTION = {
  file: 'from the key file, bound to this machine and user',
  keyring: 'from the OS keyring',
  environment: 'from KM_CACHE_KEY',
} as const;

function keyCheck(files: SharedCache): HealthCheck {
  const source = files.keySource();
  if (source === undefined) return ok('key', 'none yet: the first login makes it');
  return ok('key', KEY_PROTECTION[source]);
}

async function evictionChecks(files: SharedCache): Promise<readonly HealthCheck[]> {
  const policy = await files.evictionPolicy?.();
  if (policy === undefined) return [];
  const detail = `when its memory is full, Redis may throw away logins, and locks that are held: its maxmemory-policy is ${policy}`;
  return [warning('cache', detail, 'set the maxmemory-policy of Redis to noeviction')];
}

function keysOf(account: Account | undefined): readonly GrantKey[] {
  return account === undefined ? [] : [grantOfAccount(account).key];
}

async function lockChecks(files: SharedCache, grants: readonly GrantKey[]): Promise<readonly HealthCheck[]> {
  const owners = await Promise.all(
    grants.map(async (grant) => {
      const owner = await files.lockOwner(grant);
      return owner === undefined ? [] : [`that of profile ${grant.profile} by ${owner}`];
    }),
  );
  const held = [...new Set(owners.flat())];
  if (held.length === 0) return [ok('lock', 'free')];
  const remedy = 'a refresh is under way; look again in a minute, and see what that process does if it stays';
  return [warning('lock', `held: ${held.join(', ')}`, remedy)];
}

/** What waits to be delivered, and what keeps it. */
export async function queueChecks(
  context: CommandContext,
  storage: Storage,
): Promise<readonly HealthCheck[]> {
  const place = queuePlace(context, storage);
  if (place === undefined) {
    const detail = 'there is none on the disk: events that cannot be delivered end with their process';
    return [warning('queue', detail, 'set KM_CONFIG_DIR or HOME, and unset KM_QUEUE_MAX_BYTES=0')];
  }
  const revocations = await countPendingRevocations(context, storage);
  const report = queueReport({ place, surveys: await surveyQueue(place, context), revocations });
  const refused = report.accounts.reduce((sum, account) => sum + account.refused, 0);
  const damaged = report.accounts.reduce((sum, account) => sum + account.corruptFiles, 0);
  const [failure] = report.accounts.flatMap(({ lastFailure }) => lastFailure ?? []);
  const words = [
    report.waiting === 0 ? 'empty' : `${eventsIn(report.waiting)} waiting`,
    ...(refused === 0 ? [] : [`${eventsIn(refused)} refused`]),
    ...(damaged === 0 ? [] : [`${damaged} damaged files`]),
    ...(revocations === 0 ? [] : [`${revocations} logins to be ended at the API`]),
    ...(failure === undefined ? [] : [`the last try failed: ${failure.reason}`]),
  ].join(', ');
  if (report.bytes > 0.8 * report.maxBytes)
    return [warning('queue', `${words}; it is nearly full`, 'km queue flush, or raise KM_QUEUE_MAX_BYTES')];
  if (refused + damaged > 0)
    return [warning('queue', words, 'km queue status says more; km queue clear gives it up')];
  const isStuck = failure !== undefined || revocations > 0;
  return [isStuck ? warning('queue', words, 'km queue flush tries now') : ok('queue', words)];
}
