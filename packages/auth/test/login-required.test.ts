import { describe, expect, test } from 'vitest';
import { createAuthManager, createMemoryCache, TokenRequestError } from '../src/index.js';
import { fakeClock } from './support/fake-clock.js';
import { invalidGrant } from './support/failures.js';
import { recordEvents } from './support/record-events.js';
import { scriptedProvider } from './support/scripted-provider.js';
import {
  API_KEY,
  HOUR,
  KEYED,
  LOGGED_IN,
  outcomeOf,
  setup,
  type Setup,
  type SetupOptions,
} from './support/setup.js';

const loginCommand = (scopes: readonly string[]): string => ['acme sign-in', ...scopes].join(' ');

function refusedScope(): TokenRequestError {
  return new TokenRequestError('KM_AUTH_INVALID_SCOPE', 'invalid_scope', { oauthError: 'invalid_scope' });
}

/** A login whose refresh token the server ends in an hour. */
async function endingLogin(options: SetupOptions = {}, key = LOGGED_IN): Promise<Setup> {
  const world = await setup({ login: ['a'], ...options });
  await world.cache.updateGrant(key, (record) => ({
    ...record!,
    refreshToken: { ...record!.refreshToken!, expiresAtMs: world.clock.nowMs() + HOUR },
  }));
  return world;
}

describe('what only a human can mend says why, and what to run', () => {
  test('where nobody is logged in', async () => {
    const clock = fakeClock();
    const manager = createAuthManager({
      provider: scriptedProvider({ clock }),
      cache: createMemoryCache({ clock }),
      clock,
      loginCommand,
    });
    expect(await outcomeOf(manager.getValidToken('b'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
      message: 'nobody is logged in; run `acme sign-in b`',
    });
  });

  test('where the login does not serve the scope: with the scopes of both, and why', async () => {
    const { manager, provider } = await setup({ login: ['b', 'a'], loginCommand });
    expect(await outcomeOf(manager.getValidToken('ab'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
      message: 'the login does not serve scope "ab"; run `acme sign-in a ab b`',
      cause: { code: 'KM_AUTH_INVALID_SCOPE' },
    });
    expect(provider.calls).toBe(0);
  });

  test('where the login is past its end: once the service has said so', async () => {
    const { manager, provider, clock } = await endingLogin();
    await clock.advance(HOUR);
    provider.next({ refuse: invalidGrant('the refresh token has expired') });
    for (let each = 0; each < 2; each += 1) {
      expect(await outcomeOf(manager.getValidToken('a'))).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    }
    expect(provider.calls).toBe(1);
  });

  test('where the API key is no longer good', async () => {
    const { manager, provider } = await setup();
    provider.next({ refuse: invalidGrant('the key was revoked') });
    expect(await outcomeOf(manager.getValidToken('a'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
      message: 'invalid_grant (the key was revoked); or run `km auth login`',
      cause: { code: 'KM_AUTH_GRANT_REJECTED' },
    });
  });
});

test('a login is used up to its end', async () => {
  const { manager, provider, clock } = await endingLogin();
  await clock.advance(HOUR - 1);
  await manager.getValidToken('a');
  expect(provider.requests.map(({ grantType }) => grantType)).toEqual(['refresh_token']);
});

describe('a login that is past its end by the wall clock alone', () => {
  /** The login was made, and the process started, while the clock was two hours slow. */
  async function putRight(): Promise<Setup> {
    const clock = fakeClock();
    clock.jumpWall(-2 * HOUR);
    const world = await endingLogin({ clock });
    await clock.advance(5_000);
    clock.jumpWall(2 * HOUR);
    return world;
  }

  test('is not over: a clock that was put right ends no login', async () => {
    const { manager, provider } = await putRight();
    await manager.getValidToken('a');
    expect(provider.requests.map(({ grantType }) => grantType)).toEqual(['refresh_token']);
  });

  test('is not over for a process that starts then', async () => {
    const { another, provider } = await putRight();
    await another().getValidToken('a');
    expect(provider.requests.map(({ grantType }) => grantType)).toEqual(['refresh_token']);
  });

  test('is not over for a process that started while the clock was fast', async () => {
    const clock = fakeClock();
    const { another, provider } = await endingLogin({ clock });
    clock.jumpWall(0.75 * HOUR);
    const daemon = another();
    await clock.advance(0.5 * HOUR);
    await daemon.getValidToken('a');
    expect(provider.requests.map(({ grantType }) => grantType)).toEqual(['refresh_token']);
  });

  test('is over once the service says so, which is asked once however many processes start', async () => {
    const { another, provider, clock, stored } = await endingLogin();
    await clock.advance(2 * HOUR);
    provider.next({ refuse: invalidGrant('Token has been expired or revoked.') });
    const late = another();
    const heard = recordEvents(late);
    expect(await outcomeOf(late.getValidToken('a'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
      message: 'the login is over: invalid_grant (Token has been expired or revoked.); run `km auth login`',
    });
    expect(heard.of('security.event'), 'an end that was told is no attack').toEqual([]);
    for (let process = 0; process < 3; process += 1) {
      expect(await outcomeOf(another().getValidToken('a'))).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    }
    expect(provider.calls).toBe(1);
    expect(await stored()).not.toHaveProperty('refreshToken');
  });

  test('is not asked for where an API key wins a new one', async () => {
    const { another, provider, clock } = await endingLogin({ apiKey: API_KEY }, KEYED);
    await clock.advance(2 * HOUR);
    await another().getValidToken('a');
    expect(provider.requests.map(({ grantType }) => grantType)).toEqual(['api_key']);
  });
});

describe('the last failure of a login', () => {
  test('is none that concerns one scope only, whoever found that out', async () => {
    const ofLogin = await setup({ login: ['a'] });
    await outcomeOf(ofLogin.manager.getValidToken('b'));
    expect(await ofLogin.stored()).not.toHaveProperty('lastFailure');

    const ofKey = await setup();
    ofKey.provider.next({ refuse: refusedScope() });
    expect(await outcomeOf(ofKey.manager.getValidToken('b'))).toMatchObject({
      code: 'KM_AUTH_INVALID_SCOPE',
    });
    expect(await ofKey.stored()).not.toHaveProperty('lastFailure');
  });

  test('is told with its code, and when it was', async () => {
    const { manager, provider, clock, stored } = await endingLogin();
    provider.next({ refuse: invalidGrant('it has expired') });
    await outcomeOf(manager.getValidToken('a'));
    expect((await stored()).lastFailure).toEqual({
      code: 'KM_AUTH_LOGIN_REQUIRED',
      message: 'the login is over: invalid_grant (it has expired); run `km auth login`',
      atMs: clock.nowMs(),
    });
  });
});

test('scopes that a key has won are asked for in one order, whichever came first', async () => {
  const { manager, provider } = await setup();
  await manager.getValidToken('b');
  await manager.getValidToken('a');
  expect(provider.requests.map(({ scopes }) => scopes)).toEqual([['b'], ['a', 'b']]);
});
