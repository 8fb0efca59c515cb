import { describe, expect, test } from 'vitest';
import { createMemoryCache, type TokenCache } from '../src/index.js';
import { fakeClock, settle, type FakeClock } from './support/fake-clock.js';
import { MINUTE, setup } from './support/setup.js';

// What was read of the cache may come back after this process has changed what is there.

/** What is read next, once `holdBack` was called, comes back when what that returned is. */
function lateCache(clock: FakeClock) {
  const cache = createMemoryCache({ clock });
  let late: Promise<void> | undefined;
  const getGrant: TokenCache['getGrant'] = async (key) => {
    const until = late;
    late = undefined;
    const record = await cache.getGrant(key);
    await until;
    return record;
  };
  const holdBack = (): (() => void) => {
    let release!: () => void;
    late = new Promise((resolve) => (release = resolve));
    return release;
  };
  return { cache: { ...cache, getGrant }, holdBack };
}

/** Tokens for `a` and `b` are in memory, and to be checked with the cache. */
async function unchecked() {
  const clock = fakeClock();
  const { cache, holdBack } = lateCache(clock);
  const world = await setup({ clock, cache });
  const a = await world.manager.getValidToken('a');
  const b = await world.manager.getValidToken('b');
  await clock.advance(MINUTE);
  return { ...world, holdBack, a, b };
}

describe('a look at the cache that began before', () => {
  test('a rejected token was replaced does not bring it back', async () => {
    const { manager, provider, holdBack, a: rejected } = await unchecked();
    const release = holdBack();
    const looking = manager.getValidToken('a');
    const fresh = await manager.forceRefresh('a', { rejected });
    release();

    expect(await looking).toBe(fresh);
    expect(await manager.getValidToken('a')).toBe(fresh);
    expect(provider.calls).toBe(3);
  });

  test('a rejected token was replaced says nothing against others', async () => {
    const { manager, provider, holdBack, a: rejected, b } = await unchecked();
    const release = holdBack();
    const looking = manager.getValidToken('b');
    await manager.forceRefresh('a', { rejected });
    release();

    expect(await looking).toBe(b);
    expect(provider.calls).toBe(3);
  });

  test.each(['before', 'after'])(
    'a revoked login was cleared does not bring its tokens back to who asked %s that',
    async (when) => {
      const { manager, holdBack, a: rejected, b } = await unchecked();
      const release = holdBack();
      const early = manager.getValidToken('b');
      await settle();
      await manager.forceRefresh('a', { rejected, isRevoked: true });
      const asked = when === 'before' ? early : manager.getValidToken('b');
      release();

      expect((await asked).fingerprint).not.toBe(b.fingerprint);
      expect((await manager.getValidToken('b')).fingerprint).not.toBe(b.fingerprint);
    },
  );

  test.each(['before', 'after'])(
    'the cache was cleared does not bring its tokens back to who asked %s that, and never had them',
    async (when) => {
      const { another, holdBack, a } = await unchecked();
      const manager = another();
      const release = holdBack();
      const early = manager.getValidToken('a');
      await settle();
      await manager.clearCache();
      const asked = when === 'before' ? early : manager.getValidToken('a');
      release();

      expect((await asked).fingerprint).not.toBe(a.fingerprint);
      expect((await manager.getValidToken('a')).fingerprint).not.toBe(a.fingerprint);
    },
  );

  test('a rejected token was replaced does not bring it back in the background either', async () => {
    const { manager, holdBack, clock, a: rejected } = await unchecked();
    const release = holdBack();
    manager.start();
    await clock.advance(0);
    const fresh = await manager.forceRefresh('a', { rejected });
    release();
    await settle();

    expect(await manager.getValidToken('a')).toBe(fresh);
    await manager.stop();
  });
});
