import { systemClock, type Clock } from '@kilometers/auth';
import { startLocalApi, type RunningLocalApi } from '@kilometers/local-api';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DeliveryNotice } from '../src/monitor/monitor-notice.js';
import { AccountAccess } from '../src/queue/account-access.js';
import { openEventQueue } from '../src/queue/event-queue.js';
import { contextWith, temporaryFolder } from './support/context.js';
import { eventAt, until } from './support/queue.js';

const KEY = 'km_live_contract';
const BATCHES = 'path=/api/events/batch';
/** How much faster time goes by than it does: waits are those of a service, not of a test. */
const FACTOR = 20;
/** For what is under way to end, by that clock: five seconds. */
const LONG_ENOUGH_MS = 100_000;

const STARTED_AT_MS = systemClock.nowMs();
const FAST_CLOCK: Clock = {
  nowMs: () => STARTED_AT_MS + (systemClock.nowMs() - STARTED_AT_MS) * FACTOR,
  monotonicMs: () => systemClock.monotonicMs() * FACTOR,
  schedule: (callback, delayMs, keepsAlive) => systemClock.schedule(callback, delayMs / FACTOR, keepsAlive),
};

/** A process that captures, for an API with this trouble. */
async function startQueue(trouble: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const api = await startLocalApi({ apiKeys: [KEY], trouble });
  onTestFinished(() => api.close());
  const environment = {
    HOME: temporaryFolder(),
    KILOMETERS_API_ENDPOINT: api.url,
    KILOMETERS_API_KEY: KEY,
    KM_RETRY_INTERVAL: '1s',
    ...variables,
  };
  const context = contextWith(environment, {
    clock: FAST_CLOCK,
    fetch,
    random: Math.random,
    onExit: () => undefined,
  });
  const access = await AccountAccess.open({}, context);
  const notices: DeliveryNotice[] = [];
  const queue = await openEventQueue(
    { access, correlationId: 'session', notify: (notice) => notices.push(notice) },
    context,
  );
  access.start();
  queue.start();
  return { api, access, queue, notices };
}

function storedIds(api: RunningLocalApi): readonly string[] {
  return api.store.events.list({ limit: 1_000 }).map(({ id }) => id);
}

const ids = Array.from({ length: 25 }, (_, n) => `event-${n}`);

describe.each([
  ['400 to a batch whose events are all good', [`${BATCHES},status=400,count=2`]],
  ['401', [`${BATCHES},status=401,count=1`]],
  ['401 again and again', [`${BATCHES},status=401,count=5`]],
  ['403', [`${BATCHES},status=403,count=1`]],
  ['404', [`${BATCHES},status=404,count=1`]],
  ['405', [`${BATCHES},status=405,count=1`]],
  ['408', [`${BATCHES},status=408,count=2`]],
  ['413', [`${BATCHES},status=413,count=2`]],
  ['415', [`${BATCHES},status=415,count=1`]],
  ['422', [`${BATCHES},status=422,count=2`]],
  ['425', [`${BATCHES},status=425,count=1`]],
  ['429 and Retry-After in seconds', [`${BATCHES},status=429,retry-after=1,count=2`]],
  ['429 and Retry-After as a date', [`${BATCHES},status=429,retry-after=+1s,count=1`]],
  ['429 without Retry-After', [`${BATCHES},status=429,retry-after=none,count=2`]],
  ['500', [`${BATCHES},status=500,count=2`]],
  ['502', [`${BATCHES},status=502,count=2`]],
  ['503 and Retry-After', [`${BATCHES},status=503,retry-after=1,count=1`]],
  ['504', [`${BATCHES},status=504,count=2`]],
  ['with the page of a captive portal', [`${BATCHES},body=html,count=2`]],
  ['with JSON that is not its own', [`${BATCHES},count=2,body=json:{"ok":true}`]],
  ['with half an answer, after it stored the batch', [`${BATCHES},body=truncated,count=2`]],
  ['with a body that never ends', [`${BATCHES},body=endless,count=2`]],
  ['with a redirect', [`${BATCHES},redirect=http://127.0.0.1:9/,count=2`]],
  ['nothing: it drops the connection', [`${BATCHES},drop=before,count=2`]],
  ['nothing: it drops the connection after it stored the batch', [`${BATCHES},drop=after,count=3`]],
  ['nothing at all for a minute', [`${BATCHES},latency=1m,count=1`]],
  ['503 when it is asked for a token', ['status=503,count=2']],
  ['429 when it is asked for a token', ['status=429,count=1']],
  ['a page when it is asked for a token', ['body=html,count=2']],
  ['a body that never ends when it is asked for a token', ['body=endless,count=1']],
  ['nothing when it is asked for a token', ['drop=before,count=2']],
  [
    'one thing after the other',
    [
      'drop=before',
      `${BATCHES},drop=after`,
      `${BATCHES},status=503`,
      `${BATCHES},status=413`,
      `${BATCHES},body=html`,
    ],
  ],
])('an API that answers %s', (_, trouble) => {
  test('has every event once, in order, in the end', async () => {
    const { api, access, queue, notices } = await startQueue(trouble);
    for (const id of ids) queue.add(eventAt(id, Date.now()));
    await until(() => storedIds(api).length >= ids.length, 20_000);
    expect(storedIds(api)).toEqual(ids);
    expect(await queue.finish(LONG_ENOUGH_MS)).toEqual({ undelivered: 0, lost: 0 });
    await access.stop();
    expect(notices.filter(({ type }) => type === 'events.dropped' || type === 'batch.refused')).toEqual([]);
  }, 30_000);
});

test.each([400, 413, 422])(
  'an event that is answered %i alone is set aside, and no other',
  async (status) => {
    // Ten of them, then five, three, two, and one.
    const { api, access, queue, notices } = await startQueue([`${BATCHES},status=${status},count=5`]);
    for (const id of ids) queue.add(eventAt(id, Date.now()));
    await until(() => storedIds(api).length >= ids.length - 1);
    expect(storedIds(api)).toEqual(ids.slice(1));
    await queue.finish(LONG_ENOUGH_MS);
    await access.stop();
    const refused = notices.filter(({ type }) => type === 'batch.refused');
    expect(refused).toMatchObject([{ batch: { events: [{ id: ids[0] }] }, isKept: true }]);
  },
);

test.each([
  ['that keeps nothing on the disk', { KM_QUEUE_MAX_BYTES: '0' }],
  ['that cannot write', { XDG_STATE_HOME: '/dev/null/state' }],
])('a process %s does not say that what was refused is kept', async (_, variables) => {
  const { access, queue, notices } = await startQueue([`${BATCHES},status=400,count=1`], variables);
  queue.add(eventAt('event', Date.now()));
  await until(() => notices.some(({ type }) => type === 'batch.refused'));
  expect(await queue.finish(LONG_ENOUGH_MS)).toEqual({ undelivered: 0, lost: 0 });
  await access.stop();
  expect(notices.filter(({ type }) => type === 'batch.refused')).toMatchObject([{ isKept: false }]);
});
