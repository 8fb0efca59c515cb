import type { ApiEvent } from '@kilometers/local-api';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents } from './support/api.js';
import { deviceApi } from './support/device-api.js';
import { byDevice } from './support/device-user.js';
import { CAN_FAKE_TIME, settableClock } from './support/fake-time.js';
import { accountAt, API_KEY, environment, KM, runKm, start } from './support/km.js';
import { numbersTo, sessionOf, startSession, storedNumbers } from './support/queue-session.js';
import { until } from './support/until.js';

describe('a session that lasts', () => {
  test('whose token is revoked gets another one, and nobody notices', async () => {
    const refused: string[] = [];
    const api = await startApi({
      onEvent: (event) => event.type === 'access.refused' && refused.push(event.reason),
    });
    const session = startSession(accountAt(api.url), 'revoked');
    await session.send(20);
    await until('the first events', () => storedNumbers(api, 'revoked').length === 20);
    api.store.accessTokens.revokeAll(Date.now());
    await session.send(20);
    await until('the events after it', () => storedEvents(api).length === 80);
    await session.end();
    expect(refused).toContain('revoked');
    expect(storedNumbers(api, 'revoked')).toEqual(numbersTo(40));
    expect(session.echoedAtMs).toHaveLength(40);
    expect(
      session.km
        .stderr()
        .split('\n')
        .filter((line) => line !== '').length,
    ).toBeLessThanOrEqual(1);
  });

  test('that ends while a refresh is under way waits for its answer, be the delivery slow as well', async () => {
    // Of tokens that live so short no other process is asked to take care.
    const { api, env, count, events } = await deviceApi({ tokenTtlMs: 6_000, graceMs: 0 });
    await byDevice({ api, env });
    const session = startSession(env, 'ending');
    await session.send(1);
    await until('the first events', () => storedEvents(api).length === 2);
    api.trouble.add({ path: '/api/events', latencyMs: 60_000, count: Infinity });
    api.trouble.add({ latencyMs: 6_500 });
    const before = count('token.refreshed');
    const isRefresh = (event: ApiEvent) =>
      event.type === 'trouble.applied' && event.path === '/api/auth/token';
    await until('a refresh', () => events.some(isRefresh), 40_000);
    // These are never delivered: all the time there is for that is used up.
    await session.send(20);
    await until('the echoes', () => session.echoedAtMs.length === 21);
    await session.end();
    expect(count('token.refreshed')).toBe(before + 1);
    api.trouble.clear();
    const next = await runKm(['auth', 'refresh', '--scope', 'monitoring'], { env });
    expect(next).toMatchObject({ code: 0 });
    expect(count('family.revoked')).toBe(0);
  }, 90_000);

  test('that only a human can help says so once, goes on, and delivers after the login, without a restart', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const session = startSession(env, 'human');
    for (let round = 0; round < 3; round += 1) {
      await session.send(20);
      await until('the echoes', () => session.echoedAtMs.length === (round + 1) * 20);
    }
    await until('the one line', () => session.km.stderr() !== '');
    expect(session.km.stderr()).toMatch(
      /^km: monitoring goes on, and events wait in the queue: nobody is logged in[^\n]*\n$/,
    );
    expect(storedEvents(api)).toEqual([]);
    await runKm(['auth', 'login', '--api-key-stdin'], { env, input: API_KEY });
    await until('what waited', () => storedNumbers(api, 'human').length === 60, 40_000);
    await session.send(20);
    await until('what came after it', () => storedEvents(api).length === 160);
    await session.end();
    expect(storedNumbers(api, 'human')).toEqual(numbersTo(80));
    expect(session.km.stderr().split('\n')).toHaveLength(2);
  }, 90_000);

  test('and begins without a network delivers once there is one', async () => {
    const api = await startApi();
    await api.close();
    const session = startSession(accountAt(api.url), 'offline');
    await session.send(50);
    await until('the echoes', () => session.echoedAtMs.length === 50);
    const again = await startApi({ port: api.port });
    await until('what waited', () => storedEvents(again).length === 100, 40_000);
    await session.end();
    expect(storedNumbers(again, 'offline')).toEqual(numbersTo(50));
    expect(session.km.stderr()).toBe('');
  }, 90_000);

  test.runIf(CAN_FAKE_TIME)(
    'on a laptop that sleeps for an hour goes on when it wakes',
    async () => {
      const api = await startApi({ tokenTtlMs: 60_000 });
      const { setTo, variables } = settableClock();
      const env = { ...accountAt(api.url), ...variables };
      const km = start(process.execPath, [KM, 'monitor', '--', 'cat'], env);
      const session = sessionOf(km, 'asleep');
      await session.send(20);
      await until('the first events', () => storedNumbers(api, 'asleep').length === 20);
      const pid = km.child.pid ?? 0;
      process.kill(pid, 'SIGSTOP');
      setTo('+1h');
      process.kill(pid, 'SIGCONT');
      await session.send(20);
      await until('the events after it', () => storedEvents(api).length === 80, 40_000);
      await session.end();
      expect(storedNumbers(api, 'asleep')).toEqual(numbersTo(40));
      expect(session.echoedAtMs).toHaveLength(40);
      expect(km.stderr()).toBe('');
    },
    90_000,
  );
});
