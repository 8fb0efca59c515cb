import { describe, expect, test } from 'vitest';
import { createMemoryCache } from '../src/index.js';
import { invalidClient } from './support/failures.js';
import { settle } from './support/fake-clock.js';
import { HOUR, outcomeOf, setup } from './support/setup.js';
import { unhandledRejections } from './support/unhandled-rejections.js';

const unhandled = unhandledRejections();

describe('an AbortSignal', () => {
  test('ends its own caller’s wait, and neither the refresh nor the wait of another', async () => {
    const { manager, provider, clock } = await setup({ service: { latencyMs: 1_000 } });
    const abort = new AbortController();
    const gone = outcomeOf(manager.getValidToken('monitoring', { signal: abort.signal }));
    const stays = manager.getValidToken('monitoring');
    await clock.advance(500);
    abort.abort(new Error('the user left'));

    expect(await gone).toMatchObject({ code: 'KM_AUTH_ABORTED', cause: new Error('the user left') });
    await clock.advance(500);
    expect((await stays).reveal()).toBe('access-token-1');
    expect(provider.requests.map((request) => request.outcome)).toEqual(['answered']);
  });

  test('leaves the answer to whoever asks next', async () => {
    const { manager, provider, clock } = await setup({ service: { latencyMs: 1_000 } });
    const abort = new AbortController();
    const gone = outcomeOf(manager.getValidToken('monitoring', { signal: abort.signal }));
    await clock.advance(500);
    abort.abort();
    await gone;
    await clock.advance(500);

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
    expect(provider.calls).toBe(1);
  });

  test('that is aborted already starts nothing', async () => {
    const { manager, provider } = await setup();

    expect(
      await outcomeOf(manager.getValidToken('monitoring', { signal: AbortSignal.abort() })),
    ).toMatchObject({
      code: 'KM_AUTH_ABORTED',
    });
    await settle();
    expect(provider.calls).toBe(0);
  });

  test('ends the wait of a forced refresh for a cache that does not answer', async () => {
    const cache = createMemoryCache();
    const getGrant = () => new Promise<undefined>(() => undefined);
    const { manager, provider } = await setup({ cache: { ...cache, getGrant } });
    const abort = new AbortController();
    const forced = outcomeOf(manager.forceRefresh('monitoring', { signal: abort.signal }));
    await settle();
    abort.abort();

    expect(await forced).toMatchObject({ code: 'KM_AUTH_ABORTED' });
    expect(provider.calls).toBe(0);
  });

  test('ends the wait of wait: if-due, and that of a forced refresh', async () => {
    const { manager, provider, clock } = await setup();
    await manager.getValidToken('monitoring');
    await clock.advance(HOUR - 200_000);
    provider.latencyMs = 1_500;
    const abort = new AbortController();
    const { signal } = abort;
    const due = outcomeOf(manager.getValidToken('monitoring', { wait: 'if-due', signal }));
    const forced = outcomeOf(manager.forceRefresh('plugins', { signal }));
    await clock.advance(100);
    abort.abort();

    expect(await due).toMatchObject({ code: 'KM_AUTH_ABORTED' });
    expect(await forced).toMatchObject({ code: 'KM_AUTH_ABORTED' });
    await clock.advance(5_000);
    expect(provider.requests.every((request) => request.outcome === 'answered')).toBe(true);
  });

  test('does not turn the failure of a refresh that nobody waits for into a crash', async () => {
    const { manager, provider, clock } = await setup({ service: { latencyMs: 100 } });
    provider.always({ refuse: invalidClient() });
    const outcome = outcomeOf(manager.forceRefresh('monitoring', { signal: AbortSignal.abort() }));
    await clock.advance(1_000);
    await settle();
    expect(await outcome).toMatchObject({ code: 'KM_AUTH_ABORTED' });
    expect(unhandled).toEqual([]);
  });

  test('leaves no listener behind on a signal that lives long', async () => {
    const { manager, provider } = await setup();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    await manager.getValidToken('monitoring', { signal });
    provider.always({ refuse: invalidClient() });
    await outcomeOf(manager.forceRefresh('monitoring', { signal }));

    expect(listeners).toBe(0);
  });
});
