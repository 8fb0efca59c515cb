import { expect, test } from 'vitest';
import {
  AuthToken,
  createAuthManager,
  createMemoryCache,
  type Clock,
  type TokenCache,
  type TokenProvider,
} from '../src/index.js';

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2030, 0, 1);

type CountedClock = Clock & { wallMs: number; upMs: number; wallReads: number };

/** Two clocks that are moved apart, and a count of who looks. No timer ever ends. */
function countedClock(): CountedClock {
  const clock: CountedClock = {
    wallMs: START_MS,
    upMs: 0,
    wallReads: 0,
    nowMs: () => {
      clock.wallReads += 1;
      return clock.wallMs;
    },
    monotonicMs: () => clock.upMs,
    schedule: () => () => undefined,
  };
  return clock;
}

function hourlyProvider(clock: { readonly wallMs: number }): TokenProvider & { calls: number } {
  const provider = {
    calls: 0,
    requestToken: () => {
      provider.calls += 1;
      const issuedAtMs = clock.wallMs;
      return Promise.resolve({
        token: new AuthToken({
          value: `token-${String(provider.calls)}`,
          scopes: ['monitoring'],
          issuedAtMs,
          expiresAtMs: issuedAtMs + HOUR_MS,
        }),
      });
    },
  };
  return provider;
}

async function managerWithToken() {
  const clock = countedClock();
  const provider = hourlyProvider(clock);
  const memory = createMemoryCache({ clock });
  const looks = { count: 0 };
  const cache: TokenCache = {
    ...memory,
    getGrant: (key) => {
      looks.count += 1;
      return memory.getGrant(key);
    },
  };
  const manager = createAuthManager({ apiKey: 'km_pro_key', provider, cache, clock });
  const token = await manager.getValidToken('monitoring');
  return { clock, provider, manager, token, looks };
}

test('a hit returns the very same promise, whoever asks', async () => {
  const { manager, token } = await managerWithToken();

  const first = manager.getValidToken('monitoring');

  expect(manager.getValidToken('monitoring')).toBe(first);
  await expect(first).resolves.toBe(token);
});

test('hits that follow each other within a millisecond read the wall clock once', async () => {
  const { clock, manager } = await managerWithToken();
  clock.upMs += 1;
  void manager.getValidToken('monitoring');
  const reads = clock.wallReads;

  for (let hit = 0; hit < 9; hit += 1) {
    clock.upMs += 0.1;
    void manager.getValidToken('monitoring');
  }
  expect(clock.wallReads).toBe(reads);

  clock.upMs += 0.2;
  void manager.getValidToken('monitoring');
  expect(clock.wallReads).toBe(reads + 1);
});

test('a machine that slept notices with the first hit, though its monotonic clock stood still', async () => {
  const { clock, provider, manager, token } = await managerWithToken();
  await manager.getValidToken('monitoring');

  clock.wallMs += 2 * HOUR_MS;

  await expect(manager.getValidToken('monitoring')).resolves.not.toBe(token);
  expect(provider.calls).toBe(2);
});

test('a wall clock set back by exactly what passed does not keep a hit from looking at the cache', async () => {
  const { clock, manager, looks } = await managerWithToken();
  await manager.getValidToken('monitoring');
  const before = looks.count;

  clock.upMs += 60_000;
  await manager.getValidToken('monitoring');

  expect(looks.count).toBe(before + 1);
});

test('a wall clock set back by exactly what passed does not make an expired token good again', async () => {
  const { clock, provider, manager, token } = await managerWithToken();
  await manager.getValidToken('monitoring');

  clock.upMs += 2 * HOUR_MS;

  await expect(manager.getValidToken('monitoring')).resolves.not.toBe(token);
  expect(provider.calls).toBe(2);
});
