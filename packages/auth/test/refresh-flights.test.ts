import { describe, expect, test } from 'vitest';
import { AuthError, createMemoryCache } from '../src/index.js';
import { fakeClock } from './support/fake-clock.js';
import { setup } from './support/setup.js';

describe('callers at the same time', () => {
  test('of one scope wait for the same answer: nobody takes over what another of them obtained', async () => {
    const { manager, clock, events } = await setup({ service: { latencyMs: 50 } });
    const callers = [manager.getValidToken('monitoring'), manager.getValidToken('monitoring')];
    await clock.advance(50);
    await Promise.all(callers);

    expect(events.types()).toEqual(['refresh.started', 'token.issued']);
  });

  test('take what another process stores while they wait for its lock, and make no request', async () => {
    const clock = fakeClock();
    const cache = createMemoryCache({ clock });
    const { another, provider } = await setup({ clock, cache });
    const theirs = await another().getValidToken('monitoring');
    // It is there when the lock is waited for, and not a moment before.
    let isThere = false;
    const { manager } = await setup({
      clock,
      provider,
      cache: {
        ...cache,
        getGrant: async (key) => (isThere ? cache.getGrant(key) : undefined),
        // Another holds it for longer than anybody waits.
        withLock: async (_key, _task, { unless }) => {
          isThere = true;
          const instead = await unless?.();
          if (instead === undefined) throw new AuthError('KM_AUTH_LOCK_TIMEOUT', 'held for too long');
          return instead;
        },
      },
    });

    expect(await manager.getValidToken('monitoring')).toBe(theirs);
    expect(provider.calls).toBe(1);
  });
});
