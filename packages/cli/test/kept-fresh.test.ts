import { AuthError, AuthToken, type AuthEvent, type AuthEventListener } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { KeptFresh, type KeptFreshOptions } from '../src/exec/kept-fresh.js';
import { FakeClock } from './support/fake-clock.js';

const tokenOf = (value: string): AuthToken =>
  new AuthToken({ value, scopes: [], issuedAtMs: 0, expiresAtMs: 3_600_000 });

const LOGIN_REQUIRED = new AuthError('KM_AUTH_LOGIN_REQUIRED', 'nobody is logged in');

/** A command with token `first`, and an account that has `current`, or fails with it. */
function command(current: string | AuthError = 'first') {
  const clock = new FakeClock();
  const [had, told]: [string[], string[]] = [[], []];
  const state = { current, isFull: false, isReplaced: false, asked: 0 };
  let listener: AuthEventListener = () => undefined;
  const account = {
    subscribe: (each: AuthEventListener) => {
      listener = each;
      return () => undefined;
    },
    start: () => undefined,
    keyOf: (scope: string) => scope,
    intervals: { checkIntervalMs: 60_000, retryIntervalMs: 90_000 },
    isReplaced: () => Promise.resolve(state.isReplaced),
    getValidToken: () => {
      state.asked += 1;
      return typeof state.current === 'string'
        ? Promise.resolve(tokenOf(state.current))
        : Promise.reject(state.current);
    },
  } as unknown as KeptFreshOptions['account'];
  const kept = new KeptFresh({
    ...{ account, scope: 'read', token: tokenOf('first'), clock },
    onToken: (token) => {
      if (state.isFull) throw new Error('the disk is full');
      had.push(token.reveal());
    },
    tell: (message) => told.push(message),
  });
  const publish = async (event: Partial<AuthEvent>): Promise<void> => {
    listener({ scope: 'read', ...event } as AuthEvent);
    await clock.advance(0);
  };
  const refresh = (value: string): Promise<void> => {
    state.current = value;
    return publish({ type: 'token.refreshed', token: tokenOf(value).fingerprint });
  };
  return { clock, had, told, state, kept, refresh, publish };
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
    const { asked } = state;
    await clock.advance(600_000);
    expect([had, state.asked]).toEqual([[], asked]);
  });

  test('is handed the token that takes the place of one that was ended elsewhere, with no event of that', async () => {
    const { had, clock, state } = command();
    await clock.advance(59_999);
    state.current = 'second';
    expect(had).toEqual([]);
    await clock.advance(1);
    expect(had).toEqual(['second']);
  });

  test('is told once that there is no token, which is looked for less often then, and handed the next', async () => {
    const { had, told, clock, state } = command();
    await clock.advance(0);
    state.current = LOGIN_REQUIRED;
    await clock.advance(60_000);
    const { asked } = state;
    await clock.advance(89_999);
    expect(state.asked).toBe(asked);
    await clock.advance(600_001);
    expect(told).toEqual(['km: no newer token: nobody is logged in']);
    state.current = 'second';
    await clock.advance(90_000);
    expect(had).toEqual(['second']);
  });

  test('is told of a refresh that fails because nobody is logged in, unless somebody has logged in anew', async () => {
    const { had, told, clock, state, publish } = command();
    await clock.advance(0);
    const event = { type: 'refresh.failed', code: 'KM_AUTH_LOGIN_REQUIRED', message: 'over' } as const;
    state.isReplaced = true;
    state.current = 'second';
    await publish(event);
    expect([had, told]).toEqual([['second'], []]);
    state.isReplaced = false;
    await publish(event);
    await publish(event);
    expect(told).toEqual(['km: no newer token: over']);
  });

  test('is not told of what is of other scopes', async () => {
    const { told, publish } = command();
    await publish({ type: 'refresh.failed', code: 'KM_AUTH_UNREACHABLE', message: 'away', scope: 'write' });
    expect(told).toEqual([]);
    await publish({ type: 'refresh.failed', code: 'KM_AUTH_UNREACHABLE', message: 'away' });
    expect(told).toEqual(['km: no newer token: away']);
  });
});
