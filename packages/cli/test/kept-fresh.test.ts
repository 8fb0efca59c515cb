import { AuthToken, type AuthEvent, type AuthEventListener, type AuthManager } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { KeptFresh } from '../src/exec/kept-fresh.js';
import { FakeClock } from './support/fake-clock.js';

const tokenOf = (value: string): AuthToken =>
  new AuthToken({ value, scopes: [], issuedAtMs: 0, expiresAtMs: 3_600_000 });

/** A command with token `first`, and a manager that has `current`. */
function command(current = 'first') {
  const clock = new FakeClock();
  const [had, told]: [string[], string[]] = [[], []];
  const state = { current, isFull: false };
  let listener: AuthEventListener = () => undefined;
  const manager = {
    subscribe: (each: AuthEventListener) => {
      listener = each;
      return () => undefined;
    },
    start: () => undefined,
    getValidToken: () => Promise.resolve(tokenOf(state.current)),
  } as unknown as AuthManager;
  const kept = new KeptFresh({
    ...{ manager, scope: 'read', key: 'read', token: tokenOf('first'), clock },
    onToken: (token) => {
      if (state.isFull) throw new Error('the disk is full');
      had.push(token.reveal());
    },
    tell: (message) => told.push(message),
  });
  const refresh = async (value: string): Promise<void> => {
    state.current = value;
    listener({ type: 'token.refreshed', scope: 'read', token: tokenOf(value).fingerprint } as AuthEvent);
    await clock.advance(0);
  };
  return { clock, had, told, state, kept, refresh };
}

describe('a command with a token file', () => {
  test('is handed the token that came while it was being started', async () => {
    const { clock, had } = command('second');
    await clock.advance(0);
    expect(had).toEqual(['second']);
  });

  test('is handed each newer token once', async () => {
    const { had, refresh, clock } = command();
    await refresh('second');
    await refresh('second');
    await refresh('third');
    await clock.advance(60_000);
    expect(had).toEqual(['second', 'third']);
  });

  test('is handed a token that could not be written once it can be, and told of that once', async () => {
    const { had, told, refresh, clock, state } = command();
    state.isFull = true;
    await refresh('second');
    await clock.advance(60_000);
    expect([had, told]).toEqual([[], ['km: no newer token: the disk is full']]);
    state.isFull = false;
    await clock.advance(60_000);
    expect(had).toEqual(['second']);
  });

  test('is handed none once it has ended', async () => {
    const { had, refresh, clock, state, kept } = command();
    state.isFull = true;
    await refresh('second');
    state.isFull = false;
    const late = refresh('third');
    kept.end();
    await late;
    await clock.advance(60_000);
    expect(had).toEqual([]);
  });
});
