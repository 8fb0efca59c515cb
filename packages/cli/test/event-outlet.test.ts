import { PassThrough } from 'node:stream';
import { createFileCache, Secret } from '@kilometers/auth';
import { startLocalApi } from '@kilometers/local-api';
import { expect, onTestFinished, test } from 'vitest';
import { grantKeyOf } from '../src/grant-of-account.js';
import { openEventOutlet } from '../src/monitor/event-outlet.js';
import { contextWith, temporaryFolder } from './support/context.js';
import { eventNamed } from './support/events.js';
import { FakeClock } from './support/fake-clock.js';
import { until } from './support/queue.js';

const KEY = 'km_live_outlet';

/** A session that ends while the API owes it the answer to a token request: how long it waits for that, in milliseconds. */
async function waitedAtEnd(kind: 'api_key' | 'refresh_token'): Promise<number> {
  let asked = 0;
  const api = await startLocalApi({
    apiKeys: [KEY],
    trouble: ['path=/api/auth/token,latency=1m'],
    sleep: () => new Promise(() => undefined),
    onEvent: ({ type }) => {
      if (type === 'trouble.applied') asked += 1;
    },
  });
  onTestFinished(() => api.close());
  const [folder, clock] = [temporaryFolder(), new FakeClock()];
  const environment = { KM_CONFIG_DIR: folder, KM_QUEUE_MAX_BYTES: '0' };
  const cache = createFileCache({ folder, environment, clock });
  const login = { profile: 'default', apiEndpoint: api.url, atMs: 0 };
  await cache.logins.set(
    kind === 'api_key' ? { ...login, kind, apiKey: new Secret(KEY) } : { ...login, kind },
  );
  await cache.updateGrant(grantKeyOf(login), () => ({
    tokens: new Map(),
    unexplainedRequestsAtMs: [],
    refreshToken: { secret: new Secret('refresh'), scopes: ['monitoring'], issuedAtMs: 0 },
  }));
  // No km is built here that would refresh in a process of its own; Node says so.
  const stderr = new PassThrough();
  const context = contextWith(environment, { clock, fetch, onExit: () => undefined, stderr: () => stderr });
  const outlet = await openEventOutlet({}, context, { correlationId: 'session', notify: () => undefined });
  outlet.add(eventNamed('1'));
  const finished = outlet.finish(3_000);
  await until(() => asked === 1);
  await clock.advance(3_000);
  await finished;
  const endedAtMs = clock.nowMs();
  let isOver = false;
  void outlet.stop().then(() => (isOver = true));
  await until(async () => {
    if (!isOver) await clock.advance(100);
    return isOver;
  });
  return clock.nowMs() - endedAtMs;
}

test('the end of a session waits for the answer that keeps a login', async () => {
  expect(await waitedAtEnd('refresh_token')).toBe(5_000);
});

test('it waits for half a second where an API key wins another token', async () => {
  expect(await waitedAtEnd('api_key')).toBe(500);
});
