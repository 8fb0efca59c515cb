import { describe, expect, test } from 'vitest';
import { breakInFlight, DISK_FULL, fragileCache, fragileSetup, mend } from './support/fragile-cache.js';
import { HOUR, LOGGED_IN, outcomeOf } from './support/setup.js';

// What lives in the memory of one process alone may be sent with no note and no lock: nobody else can send it.

/** A storage that can be read and not written: a full disk, a read-only home, a Redis that refuses writes. */
const REFUSING = { write: DISK_FULL, lock: DISK_FULL };

type World = Awaited<ReturnType<typeof fragileSetup>>;

/** Two processes that share a login, and a token that is good for both; then the storage refuses what is written. */
async function refusing() {
  const world = await fragileSetup();
  const cache = fragileCache(world.clock, world.shared);
  const other = world.another({ cache });
  const rejected = await world.manager.getValidToken('monitoring');
  await other.getValidToken('monitoring');
  for (const each of [world.cache, cache]) Object.assign(each.broken, REFUSING);
  const mendAll = () => {
    mend(world.cache);
    mend(cache);
  };
  return { ...world, managers: [world.manager, other], rejected, mendAll };
}

describe('a refresh token that is stored, where something else cannot be', () => {
  test('is not sent by those who were told that a token was revoked', async () => {
    const { managers, rejected, provider, stored, mendAll } = await refusing();
    for (const each of managers) {
      expect(await outcomeOf(each.forceRefresh('monitoring', { rejected, isRevoked: true }))).toMatchObject({
        code: 'KM_AUTH_CACHE',
      });
    }
    expect(provider.calls).toBe(1);

    mendAll();
    for (const each of managers) await each.forceRefresh('monitoring', { rejected });
    expect(new Set(provider.requests.map(({ outcome }) => outcome))).toEqual(new Set(['answered']));
    expect(await stored()).toHaveProperty('refreshToken');
  });

  test('is not sent by those who have cleared the tokens', async () => {
    const { managers, provider } = await refusing();
    for (const each of managers) {
      await each.clearCache();
      expect(await outcomeOf(each.getValidToken('monitoring'))).toMatchObject({ code: 'KM_AUTH_CACHE' });
    }

    expect(provider.calls).toBe(1);
  });

  test('is not sent under the lock either, when that it is sent cannot be noted', async () => {
    const { cache, manager, provider } = await refusing();
    delete cache.broken.lock;
    await manager.clearCache();

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({ code: 'KM_AUTH_CACHE' });
    expect(provider.calls).toBe(1);
  });

  test.each([
    ['be written', REFUSING],
    ['be reached', { ...REFUSING, read: DISK_FULL }],
  ])(
    'is not sent when only it was stored of an answer, and the storage cannot %s later',
    async (_, broken) => {
      const world = await fragileSetup();
      await breakInFlight(world, { secondHalf: DISK_FULL });
      expect((await world.stored()).refreshToken?.secret.reveal()).toBe('refresh-token-2');
      Object.assign(world.cache.broken, broken);
      await world.clock.advance(HOUR);

      expect(await outcomeOf(world.manager.getValidToken('monitoring'))).toMatchObject({
        code: 'KM_AUTH_CACHE',
      });
      expect(world.provider.calls).toBe(1);
    },
  );
});

describe('a refresh token that is only in memory', () => {
  test('is sent where no lock can be had', async () => {
    const world = await fragileSetup();
    await breakInFlight(world, REFUSING);
    await world.clock.advance(HOUR);

    expect((await world.manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
  });

  test('and that the storage takes at last, is not sent without the lock', async () => {
    const world = await fragileSetup();
    await breakInFlight(world, REFUSING);
    await world.clock.advance(HOUR);
    delete world.cache.broken.write;

    expect(await outcomeOf(world.manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_CACHE',
    });
    expect(world.provider.calls).toBe(1);
    expect((await world.stored()).refreshToken?.secret.reveal()).toBe('refresh-token-2');
    expect(await world.stored()).not.toHaveProperty('sentRefresh');
    delete world.cache.broken.lock;
    expect((await world.manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    expect(world.events.of('refresh.answer-lost')).toEqual([]);
  });

  test.each([
    // By then another try to store it was made.
    ['by another try', async ({ clock }: World) => clock.advance(5_500)],
    [
      'with what else is stored',
      async ({ clock, manager }: World) => {
        void manager.clearCache();
        await clock.advance(50);
      },
    ],
  ])(
    'and that the storage takes %s while it is being sent, is not sent by others who find it there',
    async (_, storedMeanwhile) => {
      const world = await fragileSetup();
      await breakInFlight(world, REFUSING);
      await world.clock.advance(HOUR);
      world.provider.latencyMs = 8_000;
      const token = world.manager.getValidToken('monitoring');
      await world.clock.advance(50);
      mend(world.cache);
      await storedMeanwhile(world);
      expect((await world.stored()).refreshToken?.secret.reveal()).toBe('refresh-token-2');
      const other = world.another({ cache: world.shared }).getValidToken('monitoring');
      await world.clock.advance(20_000);

      expect((await token).reveal()).toBe('access-token-2');
      expect((await other).reveal()).toBe('access-token-2');
      expect(world.provider.requests).toMatchObject([
        { secret: 'refresh-token-1', outcome: 'answered' },
        { secret: 'refresh-token-2', outcome: 'answered' },
      ]);
    },
  );

  test('is not sent when a human has logged in again since it was looked up', async () => {
    const world = await fragileSetup();
    await breakInFlight(world);
    await world.clock.advance(HOUR);
    const secret = world.provider.login('monitoring');
    const { token } = world.provider.useElsewhere(world.provider.login('monitoring'));
    world.cache.updateGrant = async () => {
      await world.shared.updateGrant(LOGGED_IN, (current) => ({
        ...current!,
        tokens: new Map([['monitoring', token]]),
        refreshToken: { secret, scopes: ['monitoring'], issuedAtMs: world.clock.nowMs() },
      }));
      throw DISK_FULL;
    };

    expect((await world.manager.getValidToken('monitoring')).fingerprint).toBe(token.fingerprint);
    expect(world.provider.calls).toBe(1);
  });
});

describe('a refresh token that is only in memory, and two scopes that need it at once', () => {
  /** Both tokens are over, the refresh token that replaced the stored one is in memory, and there is no lock. */
  async function twoScopes() {
    const world = await fragileSetup({ login: ['monitoring', 'plugins'] });
    await breakInFlight(world, REFUSING);
    await world.clock.advance(HOUR);
    world.provider.latencyMs = 100;
    const valueOf = (scope: string) =>
      outcomeOf(world.manager.getValidToken(scope).then((token) => token.reveal()));
    return { ...world, valueOf };
  }
  const EACH_SENT_ONCE = [1, 2, 3].map((nth) => ({
    secret: `refresh-token-${String(nth)}`,
    outcome: 'answered',
  }));

  test('is sent once where neither gets a lock', async () => {
    const { provider, clock, valueOf } = await twoScopes();
    const both = Promise.all([valueOf('monitoring'), valueOf('plugins')]);
    await clock.advance(200);

    expect(await both).toEqual(['access-token-2', 'access-token-3']);
    expect(provider.requests).toMatchObject(EACH_SENT_ONCE);
  });

  test('is sent once where the second gets the lock while it is under way', async () => {
    const { provider, clock, cache, stored, valueOf } = await twoScopes();
    const first = valueOf('monitoring');
    await clock.advance(50);
    mend(cache);
    const both = Promise.all([first, valueOf('plugins')]);
    await clock.advance(200);

    expect(await both).toEqual(['access-token-2', 'access-token-3']);
    expect(provider.requests).toMatchObject(EACH_SENT_ONCE);
    expect((await stored()).refreshToken?.secret.reveal()).toBe('refresh-token-4');
  });

  test('is sent once where the first got the lock, and the second gets none', async () => {
    const { provider, clock, cache, valueOf } = await twoScopes();
    delete cache.broken.lock;
    const first = valueOf('monitoring');
    await clock.advance(50);
    Object.assign(cache.broken, REFUSING);
    const both = Promise.all([first, valueOf('plugins')]);
    await clock.advance(200);

    expect(await both).toEqual(['access-token-2', 'access-token-3']);
    expect(provider.requests).toMatchObject(EACH_SENT_ONCE);
  });

  test('is not waited for by who is told to stop', async () => {
    const { provider, clock, manager, valueOf } = await twoScopes();
    const first = valueOf('monitoring');
    await clock.advance(50);
    const second = valueOf('plugins');
    await clock.advance(10);
    const stopped = manager.stop();

    expect(await second).toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });
    await clock.advance(40);
    await stopped;
    expect(await first).toBe('access-token-2');
    expect(provider.requests).toHaveLength(2);
  });
});
