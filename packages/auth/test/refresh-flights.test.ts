import { describe, expect, test } from 'vitest';
import { AuthError, createMemoryCache, type AuthManager, type WantedToken } from '../src/index.js';
import { fakeClock, settle } from './support/fake-clock.js';
import { breakInFlight, fragileCache } from './support/fragile-cache.js';
import { recordEvents } from './support/record-events.js';
import { HOUR, MINUTE, outcomeOf, setup, type SetupOptions } from './support/setup.js';

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

describe('where tokens are renewed elsewhere', () => {
  /** A login whose token is over, and a process that renews it when it is told to. */
  async function loginRenewedElsewhere(
    renew: (other: AuthManager, wanted: WantedToken) => Promise<unknown>,
    options: SetupOptions = {},
  ) {
    const world = await setup({ login: ['monitoring'], ...options });
    const other = world.another();
    await other.getValidToken('monitoring');
    const asked: WantedToken[] = [];
    const manager = world.another({
      async renewElsewhere(wanted) {
        asked.push(wanted);
        await renew(other, wanted);
      },
    });
    await manager.getValidToken('monitoring');
    await world.clock.advance(HOUR);
    const calls = () => world.provider.calls - 1;
    return { ...world, manager, events: recordEvents(manager), other, asked, calls };
  }

  test('the token is what the other process stored', async () => {
    const { manager, events, asked, calls } = await loginRenewedElsewhere((other, { scope, minValidMs }) =>
      other.getValidToken(scope, { minValidMs }),
    );
    const token = await manager.getValidToken('monitoring');
    expect(token.reveal()).toBe('access-token-2');
    expect(calls()).toBe(1);
    expect(events.of('token.adopted')).toMatchObject([{ token: token.fingerprint }]);
    expect(asked).toMatchObject([{ scope: 'monitoring', minValidMs: 1 }]);
    expect(asked[0]?.replaces?.reveal()).toBe('access-token-1');
  });

  test('a token that is rejected is to be replaced by one that is good for longer', async () => {
    const { manager, clock, asked } = await loginRenewedElsewhere((other, { scope, minValidMs }) =>
      other.getValidToken(scope, { minValidMs }),
    );
    const rejected = await manager.getValidToken('monitoring');
    await clock.advance(MINUTE);
    const token = await manager.forceRefresh('monitoring', { rejected });
    expect(token.reveal()).toBe('access-token-3');
    expect(asked[1]).toEqual({
      scope: 'monitoring',
      replaces: rejected,
      minValidMs: HOUR - MINUTE + 1,
    });
  });

  test('nobody is asked for what is stored already', async () => {
    const { manager, other, stored, asked, calls } = await loginRenewedElsewhere(() => Promise.resolve());
    const rejected = (await stored()).tokens.get('monitoring')!;
    const theirs = await other.getValidToken('monitoring');
    expect(await manager.forceRefresh('monitoring', { rejected })).toBe(theirs);
    expect([asked.length, calls()]).toEqual([0, 1]);
  });

  test.each([
    ['has stored nothing', () => Promise.resolve()],
    ['cannot be started', () => Promise.reject(new Error('no processes left'))],
  ])('the manager asks itself where the other process %s', async (_, renew) => {
    const { manager, asked, calls } = await loginRenewedElsewhere(renew);
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    expect([asked.length, calls()]).toEqual([1, 1]);
  });

  test('what the other process found out is not found out once more', async () => {
    const why = new AuthError('KM_AUTH_UNREACHABLE', 'there is no network');
    const { manager, events, calls } = await loginRenewedElsewhere(() => Promise.reject(why));
    expect(await outcomeOf(manager.getValidToken('monitoring'))).toBe(why);
    expect(events.of('refresh.failed')).toMatchObject([{ code: why.code, message: why.message }]);
    expect(calls()).toBe(0);
  });

  test('a stop waits for no other process, and has none begin', async () => {
    const { manager, asked, events, calls } = await loginRenewedElsewhere(() => new Promise(() => undefined));
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await settle();
    const stopped = manager.stop();
    const next = outcomeOf(manager.getValidToken('other'));
    await stopped;
    expect(await outcome).toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });
    expect(await next).toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });
    expect(events.of('refresh.failed')).toEqual([]);
    expect([asked.length, calls()]).toEqual([1, 0]);
  });

  test('a revoked token is replaced by who learned of it, and told', async () => {
    const { manager, asked, events } = await loginRenewedElsewhere(() => Promise.resolve());
    const rejected = await manager.getValidToken('monitoring');
    await manager.forceRefresh('monitoring', { rejected, isRevoked: true });
    expect(asked).toHaveLength(1);
    expect(events.of('security.event')).toHaveLength(1);
  });

  test('a refresh token that could not be stored is sent by who has it', async () => {
    const clock = fakeClock();
    const cache = fragileCache(clock);
    const world = await loginRenewedElsewhere(() => Promise.resolve(), { clock, cache });
    await breakInFlight({ ...world, cache, shared: cache });
    expect(world.asked).toHaveLength(1);
    await clock.advance(HOUR);
    expect((await world.manager.getValidToken('monitoring')).reveal()).toBe('access-token-3');
    expect(world.asked).toHaveLength(1);
  });
});
