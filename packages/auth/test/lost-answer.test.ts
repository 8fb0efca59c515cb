import { describe, expect, test } from 'vitest';
import { createAuthManager, createMemoryCache } from '../src/index.js';
import { answerLost, invalidGrant, offline, overloaded } from './support/failures.js';
import { API_KEY, HOUR, KEYED, MINUTE, outcomeOf, setup, type Setup } from './support/setup.js';

describe('before a refresh token is sent', () => {
  test('it is noted that it is, and forgotten when its answer is stored', async () => {
    const { manager, provider, clock, stored } = await setup({ login: ['monitoring'] });
    const sent = (await stored()).refreshToken?.secret.fingerprint;
    provider.latencyMs = 100;
    const token = manager.getValidToken('monitoring');
    await clock.advance(50);

    expect((await stored()).sentRefresh).toEqual({ fingerprint: sent, atMs: clock.nowMs() - 50 });
    await clock.advance(50);
    await token;
    expect(await stored()).not.toHaveProperty('sentRefresh');
  });

  test('nothing is noted for an API key, which can be sent again and again', async () => {
    const { manager, clock, stored } = await setup({ service: { latencyMs: 100 } });
    const token = manager.getValidToken('monitoring');
    await clock.advance(50);

    expect(await stored()).not.toHaveProperty('sentRefresh');
    await clock.advance(50);
    await token;
  });

  test.each([
    ['was never sent', offline()],
    ['was refused with a 503 that says when to come back', overloaded({ retryAfterMs: 1_000 })],
    ['was refused with a 429', overloaded({ status: 429 })],
    ['was redirected', overloaded({ status: 302 })],
  ])('the note is taken back when it turns out that it %s', async (_, refuse) => {
    const { manager, provider, clock, stored } = await setup({ login: ['monitoring'] });
    provider.always({ refuse });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(MINUTE);
    await outcome;

    expect(await stored()).not.toHaveProperty('sentRefresh');
  });

  test.each([
    ['a gateway’s 502', overloaded({ status: 502 })],
    ['a gateway’s 504', overloaded({ status: 504 })],
    ['a gateway’s 520', overloaded({ status: 520 })],
    ['a gateway’s 524', overloaded({ status: 524 })],
    ['a 503 of a gateway, which does not say when to come back', overloaded()],
    ['a 500', overloaded({ status: 500 })],
    ['a lost answer', answerLost()],
    ['an unreadable 200', overloaded({ status: 200, isAnswerLost: true })],
  ])('the note stays after %s, which does not tell whether it was used', async (_, refuse) => {
    const { manager, provider, clock, stored } = await setup({ login: ['monitoring'] });
    const sent = (await stored()).refreshToken?.secret.fingerprint;
    provider.always({ refuse });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(MINUTE);
    await outcome;

    expect((await stored()).sentRefresh?.fingerprint).toBe(sent);
  });

  test('the note of an earlier lost answer stays through a later refusal that says nothing of it', async () => {
    const { manager, provider, clock, stored } = await setup({ login: ['monitoring'] });
    provider.next(
      { refuse: answerLost() },
      { refuse: offline() },
      { refuse: overloaded() },
      { refuse: offline() },
    );
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(MINUTE);
    await outcome;

    expect((await stored()).sentRefresh).toBeDefined();
  });
});

/** Another process has used the refresh token of {@link KEYED}, and was killed before its answer came. */
async function usedByADeadProcess({ cache, provider, clock }: Setup): Promise<void> {
  const { secret } = (await cache.getGrant(KEYED))!.refreshToken!;
  provider.useElsewhere(secret);
  const sentRefresh = { fingerprint: secret.fingerprint, atMs: clock.nowMs() };
  await cache.updateGrant(KEYED, (record) => ({ ...record!, sentRefresh }));
}

describe('the answer to a sent refresh was lost', () => {
  test('it is sent again at once, while the server’s grace window is open', async () => {
    const { manager, provider, clock, events } = await setup({
      login: ['monitoring'],
      random: () => 1,
      service: { graceMs: 500 },
    });
    provider.next({ loseAnswer: true });
    const token = manager.getValidToken('monitoring');
    await clock.advance(0);

    expect((await token).reveal()).toBe('access-token-2');
    expect(provider.requests.map((request) => request.atMs)).toEqual([clock.trueMs(), clock.trueMs()]);
    expect(events.of('refresh.answer-lost')).toHaveLength(1);
    expect(events.of('security.event')).toEqual([]);
  });

  test('also by a manager that is being stopped: later it may be the end of the login', async () => {
    const { manager, provider, clock, stored } = await setup({
      login: ['monitoring'],
      service: { latencyMs: 5_000, graceMs: MINUTE },
    });
    provider.next({ latencyMs: 5_000, loseAnswer: true });
    const token = manager.getValidToken('monitoring');
    await clock.advance(1_000);
    const stopped = manager.stop();
    await clock.advance(9_000);
    await stopped;

    expect((await token).reveal()).toBe('access-token-2');
    expect(provider.requests.map(({ outcome }) => outcome)).toEqual(['lost', 'answered']);
    expect((await stored()).sentRefresh).toBeUndefined();
  });

  test('and the refresh token is refused then: the message says that the answer was lost', async () => {
    const { manager, provider, clock, stored, events } = await setup({ login: ['monitoring'] });
    provider.next({ loseAnswer: true });
    const lost = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(0);
    const outcome = await lost;

    expect(outcome).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    expect(String(outcome)).toContain('the answer was lost on the way back');
    expect(await stored()).not.toHaveProperty('refreshToken');
    // The server calls it reuse; it is not: no one is alarmed.
    expect(events.of('security.event')).toEqual([]);
  });

  test.each([500, 502, 503, 504])(
    'on the way through a gateway, which answers %d, and the refresh token is refused then: no one is alarmed',
    async (status) => {
      const { manager, provider, clock, events, stored } = await setup({ login: ['monitoring'] });
      provider.next({ loseAnswer: overloaded({ status }) });
      const lost = outcomeOf(manager.getValidToken('monitoring'));
      await clock.advance(1_000);

      expect(String(await lost)).toContain('the answer was lost on the way back');
      expect(await stored()).not.toHaveProperty('refreshToken');
      expect(events.of('security.event')).toEqual([]);
    },
  );

  test('and the API key takes over', async () => {
    const { manager, provider, clock, events } = await setup({ login: ['monitoring'], apiKey: API_KEY });
    provider.next({ loseAnswer: true });
    const token = manager.getValidToken('monitoring');
    await clock.advance(0);

    expect((await token).reveal()).toBe('access-token-2');
    expect(events.of('grant.fallback')[0]?.reason).toContain('the answer was lost');
    expect(provider.requests.map((request) => request.grantType)).toEqual([
      'refresh_token',
      'refresh_token',
      'api_key',
    ]);
  });

  test('by a process that died: the next one knows, and says so', async () => {
    const { another, manager, provider, clock, cache } = await setup({ login: ['monitoring'] });
    // The answer never comes back to the one who asked, as if it had been killed.
    provider.next({ latencyMs: Number.MAX_SAFE_INTEGER });
    const key = (await cache.listGrants())[0]!;
    const record = (await cache.getGrant(key))!;
    void outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(1_000);
    provider.useElsewhere(record.refreshToken!.secret);
    const storedByTheDead = (await cache.getGrant(key))!;
    const afterDeath = createMemoryCache({ clock });
    await afterDeath.updateGrant(key, () => storedByTheDead);
    const outcome = await outcomeOf(another({ cache: afterDeath }).getValidToken('monitoring'));

    expect(outcome).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    expect(String(outcome)).toContain('the answer was lost on the way back');
  });

  test('by a process that died: an API key wins another token, and the service sees no token twice', async () => {
    const world = await setup({ login: ['monitoring'], apiKey: API_KEY });
    await usedByADeadProcess(world);
    const { manager, provider, events, clock } = world;
    const token = await manager.getValidToken('monitoring');

    expect(provider.requests.map(({ grantType }) => grantType)).toEqual(['api_key']);
    expect(events.of('grant.fallback')[0]?.reason).toContain('the answer was lost');
    expect(events.of('refresh.answer-lost')).toHaveLength(1);
    await clock.advance(HOUR);
    expect((await manager.getValidToken('monitoring')).reveal()).not.toBe(token.reveal());
    expect(provider.requests.map(({ grantType }) => grantType)).toEqual(['api_key', 'refresh_token']);
  });

  test('by a process that died, and the API key is refused: the refresh token is tried all the same', async () => {
    const world = await setup({ login: ['monitoring'], apiKey: API_KEY, service: { graceMs: MINUTE } });
    await usedByADeadProcess(world);
    const { manager, provider } = world;
    provider.next({ refuse: invalidGrant() });
    await manager.getValidToken('monitoring');

    expect(provider.requests.map(({ grantType }) => grantType)).toEqual(['api_key', 'refresh_token']);
  });

  test('and the API key brought a token without a refresh token: what is kept is still in doubt', async () => {
    const { manager, provider, clock, events, stored } = await setup({
      login: ['monitoring'],
      apiKey: API_KEY,
      maxRetries: 0,
      service: { givesRefreshTokens: false },
    });
    provider.next({ loseAnswer: true });
    await manager.getValidToken('monitoring');
    expect((await stored()).refreshToken).toBeDefined();
    expect((await stored()).sentRefresh).toBeDefined();
    await clock.advance(HOUR);
    await manager.getValidToken('monitoring');

    expect(events.of('grant.fallback').at(-1)?.reason).toContain('the answer was lost');
    expect(events.of('security.event')).toEqual([]);
  });
});

test('a login without a command of its own names the one it was given', async () => {
  const manager = createAuthManager({ loginCommand: 'acme sign-in' });

  await expect(manager.getValidToken('monitoring')).rejects.toThrow('run `acme sign-in`');
});
