import type { AuthEvent, AuthEventListener, AuthManager } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { recordUsage } from '../src/analytics/record-usage.js';
import { contextWith, temporaryFolder } from './support/context.js';
import { FakeClock } from './support/fake-clock.js';

const HOUR_MS = 3_600_000;

/** A process that records what happens to its tokens, and what it tells. */
function recording() {
  const clock = new FakeClock();
  const atEnd: (() => void)[] = [];
  const context = contextWith(
    { HOME: temporaryFolder() },
    { clock, onExit: (listener) => void atEnd.push(listener) },
  );
  const listeners: AuthEventListener[] = [];
  const manager = {
    apiOrigin: 'https://api.example',
    subscribe: (listener: AuthEventListener) => void listeners.push(listener),
  } as unknown as AuthManager;
  recordUsage(manager, (scope) => scope, context);
  const happen = (event: Record<string, unknown>): void => {
    const base = { atMs: clock.nowMs(), profile: 'default', scope: 'monitoring' };
    for (const listener of listeners) listener({ ...base, ...event } as AuthEvent);
  };
  let tokens = 0;
  return {
    clock,
    told: context.told,
    end: () => {
      for (const listener of atEnd) listener();
    },
    /** The token is replaced, however new it is. */
    refresh: () => {
      const replaced = tokens === 0 ? undefined : `token-${tokens}`;
      tokens += 1;
      const expiresAtMs = clock.nowMs() + HOUR_MS;
      happen({
        type: 'token.refreshed',
        token: `token-${tokens}`,
        replaced,
        expiresAtMs,
        grantType: 'refresh_token',
      });
    },
    fail: (scope = 'monitoring') => {
      happen({ type: 'refresh.started', scope, grantType: 'refresh_token', attempt: 1 });
      happen({ type: 'refresh.failed', scope, code: 'KM_AUTH_UNREACHABLE', message: 'down' });
    },
  };
}

const EARLY = expect.stringContaining('came long before the token') as string;

test('a process that goes on tells of early refreshes within a minute, though it writes nothing more', async () => {
  const { clock, told, refresh } = recording();
  refresh();
  await clock.advance(1_000);
  for (let time = 0; time < 4; time += 1) refresh();
  await clock.advance(1_000);
  expect(told).toEqual([]);
  await clock.advance(60_000);
  expect(told).toEqual([EARLY]);
});

test('a process that ends before that tells of them at its end, and once', async () => {
  const { clock, told, refresh, end } = recording();
  refresh();
  await clock.advance(1_000);
  for (let time = 0; time < 4; time += 1) refresh();
  end();
  expect(told).toEqual([EARLY]);
  end();
  await clock.advance(HOUR_MS / 2);
  expect(told).toHaveLength(1);
});

test('many failures are told once, however many scopes an outage has', async () => {
  const { clock, told, fail } = recording();
  for (let time = 0; time < 6; time += 1) {
    fail();
    fail('plugins');
  }
  await clock.advance(1_000);
  expect(told).toEqual([expect.stringContaining('refreshes failed (KM_AUTH_UNREACHABLE)')]);
});

test('what is in order is not', async () => {
  const { clock, told, refresh, end } = recording();
  for (let time = 0; time < 24; time += 1) {
    refresh();
    await clock.advance(HOUR_MS * 0.9);
  }
  end();
  expect(told).toEqual([]);
});
