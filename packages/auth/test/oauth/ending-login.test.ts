import { expect, test } from 'vitest';
import { createAuthManager, createMemoryCache, storeLogin } from '../../src/index.js';
import { invalidGrant } from '../support/failures.js';
import { fakeClock } from '../support/fake-clock.js';
import { outcomeOf } from '../support/setup.js';
import { DAY, FakeOAuth, HOUR, loggedIn } from './logged-in.js';

test('a login without a refresh token ends with its token', async () => {
  const clock = fakeClock();
  const provider = new FakeOAuth(clock);
  const cache = createMemoryCache({ clock });
  const { token } = provider.grant({}, ['read']);
  await storeLogin({ id: 'login-1', grant: { token }, askedScopes: [] }, { provider, cache });
  const manager = createAuthManager({ provider, cache, clock, loginId: 'login-1' });
  expect((await manager.getValidToken()).reveal()).toBe('access-0');
  await clock.advance(HOUR);

  expect(await outcomeOf(manager.getValidToken())).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
});

test('a login that ends for good is warned of a week ahead, once', async () => {
  const { manager, events, clock, provider } = await loggedIn(['read'], { refreshTokenLifeMs: 30 * DAY });
  for (let left = 30; left > 1; left -= 1) {
    await clock.advance(DAY);
    provider.answers.push({ refreshTokenLifeMs: (left - 1) * DAY });
    await manager.getValidToken();
  }

  const told = events.of('grant.expiring');
  expect(told).toHaveLength(1);
  expect(told[0]?.remainingMs).toBe(7 * DAY);
});

test('a refresh token that is short-lived and put off by each refresh warns of nothing', async () => {
  const { manager, events, clock, provider } = await loggedIn(['read'], { refreshTokenLifeMs: 30 * 60_000 });
  for (let each = 0; each < 5; each += 1) {
    provider.answers.push({ refreshTokenLifeMs: 30 * 60_000 });
    await clock.advance(20 * 60_000);
    await manager.forceRefresh();
  }

  expect(provider.requests).toHaveLength(5);
  expect(events.of('grant.expiring')).toEqual([]);
});

test('a short-lived refresh token that no refresh puts off is warned of', async () => {
  const { manager, events, clock, provider } = await loggedIn(['read'], { refreshTokenLifeMs: DAY });
  await clock.advance(2 * HOUR);
  provider.answers.push({ refreshTokenLifeMs: 22 * HOUR });
  await manager.getValidToken();

  expect(events.of('grant.expiring')).toMatchObject([{ remainingMs: 22 * HOUR }]);
});

test('the background warns of a login that ends although nothing is refreshed', async () => {
  const { manager, events, clock, provider } = await loggedIn(['read'], {
    refreshTokenLifeMs: 7 * DAY + 30_000,
  });
  manager.start();
  await clock.advance(90_000);
  await manager.stop();

  expect(events.of('grant.expiring')).toHaveLength(1);
  expect(provider.requests).toEqual([]);
});

test('a refresh token that should be over is sent once: the issuer knows whether it is', async () => {
  const { manager, clock, provider } = await loggedIn(['read'], { refreshTokenLifeMs: 30 * 60_000 });
  await clock.advance(2 * HOUR);
  provider.answers.push({ error: invalidGrant('it has expired') });

  for (let each = 0; each < 2; each += 1) {
    expect(await outcomeOf(manager.getValidToken())).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
  }
  expect(provider.requests).toHaveLength(1);
});
