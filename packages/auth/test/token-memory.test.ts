import { describe, expect, test } from 'vitest';
import { AuthToken } from '../src/index.js';
import { EventPublisher } from '../src/event-publisher.js';
import { DEFAULT_REFRESH_SETTINGS } from '../src/refresh-policy.js';
import { TokenMemory } from '../src/token-memory.js';
import { HOUR } from './support/setup.js';

/** A memory whose clocks a test sets; it counts how often the wall clock is read. */
function memoryWith(keySuffix = '') {
  const times = { wallMs: Date.UTC(2030, 0, 1), monotonicMs: 1_000, wallReadings: 0 };
  const clock = {
    nowMs: () => {
      times.wallReadings += 1;
      return times.wallMs;
    },
    monotonicMs: () => times.monotonicMs,
    schedule: () => () => undefined,
  };
  const memory = new TokenMemory({
    clock,
    random: () => 0,
    settings: DEFAULT_REFRESH_SETTINGS,
    events: new EventPublisher('default', clock),
    keySuffix,
  });
  return { memory, times };
}

function tokenOf(value: string, { wallMs }: { readonly wallMs: number }): AuthToken {
  return new AuthToken({ value, scopes: [], issuedAtMs: wallMs, expiresAtMs: wallMs + HOUR });
}

describe('a token at hand', () => {
  test('for a target is handed out by its scope alone, as one for none is', async () => {
    for (const suffix of ['', ' "audience=api"']) {
      const { memory, times } = memoryWith(suffix);
      const token = tokenOf('t', times);
      memory.hold(memory.keyFor('monitoring'), token);

      expect(await memory.fresh('monitoring')).toBe(token);
    }
  });

  test('that was rejected is not handed out again', () => {
    const { memory, times } = memoryWith();
    const token = tokenOf('t', times);
    memory.hold('monitoring', token);
    memory.distrust('monitoring', token);

    expect(memory.fresh('monitoring')).toBeUndefined();
  });

  test('is handed out on when the one before it was rejected', () => {
    const { memory, times } = memoryWith();
    memory.hold('monitoring', tokenOf('next', times));
    memory.distrust('monitoring', tokenOf('before', times));

    expect(memory.fresh('monitoring')).toBeDefined();
  });
});

describe('the wall clock', () => {
  function readings(...monotonicMs: readonly number[]): number {
    const { memory, times } = memoryWith();
    memory.hold('monitoring', tokenOf('t', times));
    times.wallReadings = 0;
    for (const atMs of monotonicMs) {
      times.monotonicMs = atMs;
      void memory.fresh('monitoring');
    }
    return times.wallReadings;
  }

  test('is read once a millisecond, however many ask', () => {
    expect(readings(2_000, 2_000.2, 2_000.4, 2_000.9)).toBe(1);
    expect(readings(2_000, 2_000.9, 2_001, 2_001.5)).toBe(2);
  });

  test('is read each time where the other clock stands still', () => {
    expect(readings(2_000, 2_000, 2_000)).toBe(3);
  });
});
