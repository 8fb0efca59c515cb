import { describe, expect, test } from 'vitest';
import { offline, overloaded } from './support/failures.js';
import { settle } from './support/fake-clock.js';
import { HOUR, MINUTE, outcomeOf, setup } from './support/setup.js';

describe('a token in memory that is not due', () => {
  test('is returned as the very same promise, without a look at the cache', async () => {
    const { manager, cache } = await setup();
    await manager.getValidToken('monitoring');
    cache.getGrant = () => Promise.reject(new Error('no I/O here'));
    const first = manager.getValidToken('monitoring');

    expect(manager.getValidToken('monitoring')).toBe(first);
    expect((await first).reveal()).toBe('access-token-1');
  });

  test('is the same under any spelling of its scope', async () => {
    const { manager, provider } = await setup();
    const one = await manager.getValidToken('plugins monitoring');
    const other = await manager.getValidToken(['monitoring', 'plugins', 'monitoring']);

    expect(other).toBe(one);
    expect(provider.calls).toBe(1);
  });

  test('is asked for as "default" where no scope is named', async () => {
    const { manager, provider } = await setup();
    await manager.getValidToken();

    expect(provider.requests[0]?.scopes).toEqual(['default']);
  });

  test('is looked up in the cache again once a check interval has passed', async () => {
    const { manager, another, clock, provider } = await setup();
    await manager.getValidToken('monitoring');
    await another().forceRefresh('monitoring');
    await clock.advance(MINUTE - 1);
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
    await clock.advance(1);

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    expect(provider.calls).toBe(2);
  });
});

describe('a token in the shared cache that is not due', () => {
  test('is adopted, and no request made', async () => {
    const { manager, another, provider } = await setup();
    const token = await another().getValidToken('monitoring');

    expect((await manager.getValidToken('monitoring')).fingerprint).toBe(token.fingerprint);
    expect(provider.calls).toBe(1);
  });

  test('is told as found in the cache, once', async () => {
    const { manager, another, events } = await setup();
    const { fingerprint } = await another().getValidToken('monitoring');
    await Promise.all([manager.getValidToken('monitoring'), manager.getValidToken('monitoring')]);

    expect(events.types()).toEqual(['token.adopted']);
    expect(events.of('token.adopted')[0]).toMatchObject({ scope: 'monitoring', token: fingerprint });
  });

  test('is adopted inside the lock, too, when another process was faster', async () => {
    const { manager, another, provider, clock } = await setup({ service: { latencyMs: 1_000 } });
    const theirs = another().getValidToken('monitoring');
    await settle();
    const ours = manager.getValidToken('monitoring');
    await clock.advance(1_000);

    expect((await ours).fingerprint).toBe((await theirs).fingerprint);
    expect(provider.calls).toBe(1);
  });
});

describe('a due token', () => {
  test('is returned at once, and one refresh runs behind', async () => {
    const { manager, provider, clock, events } = await setup({ service: { latencyMs: 100 } });
    const first = manager.getValidToken('monitoring');
    await clock.advance(100);
    await first;
    await clock.advance(55 * MINUTE);
    const due = await Promise.all([1, 2, 3].map(() => manager.getValidToken('monitoring')));

    expect(due.map((token) => token.reveal())).toEqual(Array(3).fill('access-token-1'));
    expect(events.of('token.due')).toHaveLength(1);
    await clock.advance(100);
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    expect(provider.calls).toBe(2);
  });

  test('is still returned while the refresh behind fails, which is not repeated for a retry interval', async () => {
    const { manager, provider, clock } = await setup({ maxRetries: 0 });
    await manager.getValidToken('monitoring');
    await clock.advance(55 * MINUTE);
    provider.always({ refuse: overloaded() });
    for (let second = 0; second < 60; second += 1) {
      expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
      await clock.advance(1_000);
    }

    // At once, and the API key when the refresh token fails; after 30 s only that: the refresh token may be used up.
    expect(provider.requests.map(({ grantType }) => grantType)).toEqual([
      'api_key',
      'refresh_token',
      'api_key',
      'api_key',
    ]);
  });

  test('gives way to the newer one with wait: if-due, if that comes within the deadline', async () => {
    const { manager, clock, provider } = await setup();
    await manager.getValidToken('monitoring');
    await clock.advance(55 * MINUTE);
    provider.latencyMs = 1_999;
    const token = manager.getValidToken('monitoring', { wait: 'if-due' });
    await clock.advance(1_999);

    expect((await token).reveal()).toBe('access-token-2');
    expect(clock.timers()).toEqual([]);
  });

  test('is used with wait: if-due when the deadline runs out, while the refresh goes on', async () => {
    const { manager, clock, provider } = await setup();
    await manager.getValidToken('monitoring');
    await clock.advance(55 * MINUTE);
    provider.latencyMs = 2_001;
    const token = manager.getValidToken('monitoring', { wait: 'if-due' });
    await clock.advance(2_000);

    expect((await token).reveal()).toBe('access-token-1');
    await clock.advance(1);
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
  });

  test('is not used with wait: if-due when it has expired before the deadline: the caller waits on', async () => {
    const { manager, clock, provider } = await setup({ service: { lifetimeMs: 2_000 } });
    await manager.getValidToken('monitoring');
    await clock.advance(1_000);
    provider.latencyMs = 5_000;
    const token = manager.getValidToken('monitoring', { wait: 'if-due' });
    await clock.advance(5_000);

    expect((await token).reveal()).toBe('access-token-2');
  });

  test('is used with wait: if-due when the refresh fails before the deadline', async () => {
    const { manager, clock, provider } = await setup({ maxRetries: 0 });
    await manager.getValidToken('monitoring');
    await clock.advance(55 * MINUTE);
    provider.always({ refuse: offline() });

    expect((await manager.getValidToken('monitoring', { wait: 'if-due' })).reveal()).toBe('access-token-1');
  });
});

describe('an expired or missing token', () => {
  test('makes the caller wait for the refresh', async () => {
    const { manager, clock, provider } = await setup();
    await manager.getValidToken('monitoring');
    await clock.advance(HOUR);
    provider.latencyMs = 9_000;
    const token = manager.getValidToken('monitoring');
    await clock.advance(9_000);

    expect((await token).reveal()).toBe('access-token-2');
    expect(provider.requests.map((request) => request.grantType)).toEqual(['api_key', 'refresh_token']);
  });

  test('counts as expired a little before its end, but is used then when no other can be had', async () => {
    const { manager, clock, provider } = await setup({ maxRetries: 0 });
    await manager.getValidToken('monitoring');
    await clock.advance(HOUR - 4_000);
    provider.always({ refuse: offline() });

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
    await clock.advance(4_000);
    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_UNREACHABLE',
    });
  });

  test('without anything to win one with is for a human: the error names the command', async () => {
    const { manager, provider } = await setup({ apiKey: undefined, profile: 'work' });

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
      message: expect.stringContaining('km auth login --profile work') as string,
    });
    expect(provider.calls).toBe(0);
  });

  test.each([-1, Number.NaN])('that is good for %s ms is refused, be the token good', async (minValidMs) => {
    const { manager } = await setup();
    await manager.getValidToken('monitoring');

    await expect(manager.getValidToken('monitoring', { minValidMs })).rejects.toMatchObject({
      code: 'KM_AUTH_INVALID_OPTION',
      message: `minValidMs is ${String(minValidMs)}: it must be a number of milliseconds, 0 or more`,
    });
  });

  test('of a scope that cannot be one is refused, as a rejection', async () => {
    const { manager } = await setup();

    await expect(manager.getValidToken('no"scope')).rejects.toMatchObject({ code: 'KM_AUTH_INVALID_OPTION' });
    await expect(manager.forceRefresh('')).rejects.toMatchObject({ code: 'KM_AUTH_INVALID_OPTION' });
  });
});
