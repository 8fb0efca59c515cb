import { describe, expect, test } from 'vitest';
import { isAuthError } from '../src/index.js';
import { HOUR, MINUTE, outcomeOf, setup } from './support/setup.js';

describe('minValidMs', () => {
  test('of exactly the lifetime of a new token is met by one', async () => {
    const { manager, provider } = await setup();
    const token = await manager.getValidToken('monitoring', { minValidMs: HOUR });

    expect(token.lifetimeMs).toBe(HOUR);
    expect((await manager.getValidToken('monitoring', { minValidMs: HOUR })).reveal()).toBe(token.reveal());
    expect(provider.calls).toBe(1);
  });

  test('of exactly the lifetime is asked for again once some of it has passed', async () => {
    const { manager, clock } = await setup();
    const first = await manager.getValidToken('monitoring');
    await clock.advance(1);

    expect((await manager.getValidToken('monitoring', { minValidMs: HOUR })).reveal()).not.toBe(
      first.reveal(),
    );
  });

  test('makes a caller with a long job wait for a longer token', async () => {
    const { manager, clock, provider } = await setup();
    await manager.getValidToken('monitoring');
    await clock.advance(40 * MINUTE);

    expect((await manager.getValidToken('monitoring', { minValidMs: 20 * MINUTE })).reveal()).toBe(
      'access-token-1',
    );
    expect((await manager.getValidToken('monitoring', { minValidMs: 21 * MINUTE })).reveal()).toBe(
      'access-token-2',
    );
    expect(provider.calls).toBe(2);
  });

  test('beyond what the service issues is refused, and is no reason to ask again and again', async () => {
    const { manager, provider } = await setup();
    const outcomes = [];
    for (let call = 0; call < 5; call += 1) {
      outcomes.push(await outcomeOf(manager.getValidToken('monitoring', { minValidMs: 2 * HOUR })));
    }

    expect(outcomes.every((outcome) => isAuthError(outcome, 'KM_AUTH_LIFETIME_TOO_SHORT'))).toBe(true);
    expect(provider.calls).toBe(1);
  });

  test('is met by joining a refresh that is under way', async () => {
    const { manager, clock, provider } = await setup();
    await manager.getValidToken('monitoring');
    await clock.advance(56 * MINUTE);
    provider.latencyMs = 100;
    const short = await manager.getValidToken('monitoring');
    const long = manager.getValidToken('monitoring', { minValidMs: 30 * MINUTE });
    await clock.advance(100);

    expect([short.reveal(), (await long).reveal()]).toEqual(['access-token-1', 'access-token-2']);
    expect(provider.calls).toBe(2);
  });
});
