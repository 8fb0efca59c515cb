import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { AUTH_CHANNEL, createDebugLog, describeEvent, type AuthEvent } from '../src/index.js';
import { answerLost, invalidGrant, offline, overloaded } from './support/failures.js';
import { API_KEY, HOUR, MINUTE, outcomeOf, setup, type Setup } from './support/setup.js';
import { unhandledRejections } from './support/unhandled-rejections.js';

const unhandled = unhandledRejections();

/** A life with a bit of everything in it. */
async function eventfulLife(world: Setup): Promise<void> {
  const { manager, provider, clock } = world;
  const ask = async (): Promise<void> => {
    const asked = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(MINUTE);
    await asked;
  };
  await ask();
  provider.next({ refuse: overloaded() }, { refuse: offline() });
  await clock.advance(HOUR);
  await ask();
  provider.next({ refuse: answerLost() }, { refuse: invalidGrant('reuse of refresh-token-2') });
  await clock.advance(HOUR);
  await ask();
  await clock.advance(55 * MINUTE);
  await ask();
  const rejected = await manager.getValidToken('monitoring');
  await manager.forceRefresh('monitoring', { rejected, isRevoked: true });
  provider.next({ refuse: invalidGrant('unknown key') });
  await outcomeOf(manager.getValidToken('plugins'));
}

describe('events', () => {
  test('carry profile, time and kind, and cannot be changed', async () => {
    const { manager, events, clock } = await setup({ profile: 'work' });
    const token = await manager.getValidToken('monitoring');

    expect(events.all).toEqual([
      {
        type: 'refresh.started',
        profile: 'work',
        atMs: clock.nowMs(),
        scope: 'monitoring',
        grantType: 'api_key',
        attempt: 1,
      },
      {
        type: 'token.issued',
        profile: 'work',
        atMs: clock.nowMs(),
        scope: 'monitoring',
        token: token.fingerprint,
        expiresAtMs: token.expiresAtMs,
        grantType: 'api_key',
      },
    ]);
    expect(events.all.every((event) => Object.isFrozen(event))).toBe(true);
  });

  test('tell the life of a token in order', async () => {
    const world = await setup({ login: ['monitoring'], apiKey: API_KEY });
    await eventfulLife(world);
    const told = world.events.types().filter((type) => type !== 'refresh.started');

    expect(told.slice(0, 12)).toEqual([
      'token.refreshed',
      'refresh.retried',
      'offline.entered',
      'refresh.retried',
      'offline.left',
      'token.refreshed',
      'offline.entered',
      'refresh.answer-lost',
      'refresh.retried',
      'offline.left',
      'grant.cleared',
      'grant.fallback',
    ]);
    expect(world.events.of('token.revoked')).toHaveLength(1);
    expect(world.events.of('refresh.failed')).toMatchObject([
      { scope: 'plugins', code: 'KM_AUTH_LOGIN_REQUIRED' },
    ]);
  });

  test.each(['refreshed', 'adopted'] as const)(
    'tell of a token that is %s when whoever hears it gets it',
    async (how) => {
      const { manager, another, clock } = await setup();
      const first = await manager.getValidToken('monitoring');
      await clock.advance(56 * MINUTE);
      if (how === 'adopted') await another().getValidToken('monitoring', { wait: 'if-due' });
      const told: string[] = [];
      const got: Promise<string>[] = [];
      manager.subscribe((event) => {
        if (event.type !== 'token.refreshed' && event.type !== 'token.adopted') return;
        told.push(event.token);
        got.push(manager.getValidToken('monitoring').then(({ fingerprint }) => fingerprint));
      });
      expect(await manager.getValidToken('monitoring')).toBe(first);
      await clock.advance(0);

      expect(told).toHaveLength(1);
      expect(told).not.toContain(first.fingerprint);
      expect(await Promise.all(got)).toEqual(told);
    },
  );

  test('reach every subscriber until it unsubscribes', async () => {
    const { manager } = await setup();
    const seen: string[] = [];
    const listener = (event: AuthEvent): void => {
      seen.push(event.type);
    };
    const first = manager.subscribe(listener);
    const second = manager.subscribe(listener);
    await manager.getValidToken('monitoring');
    expect(seen).toHaveLength(4);
    first();
    first();
    await manager.forceRefresh('monitoring');
    expect(seen).toHaveLength(6);
    second();
    await manager.forceRefresh('monitoring');

    expect(seen).toHaveLength(6);
  });

  test('of a subscriber that throws disturb neither the others nor the refresh', async () => {
    const { manager } = await setup();
    const seen: string[] = [];
    manager.subscribe(() => {
      throw new Error('a subscriber’s own trouble');
    });
    manager.subscribe((event) => seen.push(event.type));

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
    expect(seen).toEqual(['refresh.started', 'token.issued']);
  });

  test('of an async subscriber that fails do not end the process', async () => {
    const { manager, clock } = await setup();
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- nothing keeps a caller from it
    manager.subscribe(async () => {
      throw new Error('a subscriber’s own trouble');
    });
    await manager.getValidToken('monitoring');
    await clock.advance(0);

    expect(unhandled).toEqual([]);
  });

  test('are published on the diagnostics channel of the process, for every manager', async () => {
    const { manager, another } = await setup();
    const seen: AuthEvent[] = [];
    const onMessage = (message: unknown): void => {
      seen.push(message as AuthEvent);
    };
    subscribe(AUTH_CHANNEL, onMessage);
    try {
      await manager.getValidToken('monitoring');
      await another({ profile: 'work' }).getValidToken('monitoring');
    } finally {
      unsubscribe(AUTH_CHANNEL, onMessage);
    }
    await manager.forceRefresh('monitoring');

    expect(AUTH_CHANNEL).toBe('kilometers:auth');
    expect(seen.map((event) => [event.profile, event.type])).toEqual([
      ['default', 'refresh.started'],
      ['default', 'token.issued'],
      ['work', 'refresh.started'],
      ['work', 'token.issued'],
    ]);
  });
});

describe('the debug log', () => {
  test('explains every decision in one line each', async () => {
    const world = await setup({ random: () => 1 });
    const lines: string[] = [];
    world.manager.subscribe(createDebugLog((line) => lines.push(line)));
    const token = await world.manager.getValidToken('monitoring');
    await world.clock.advance(56 * MINUTE);
    world.provider.next({ refuse: overloaded() });
    await world.manager.getValidToken('monitoring');
    await world.clock.advance(2_000);
    const newer = await world.manager.getValidToken('monitoring');

    expect(lines).toEqual([
      'km auth [default] monitoring: asking for a token by api_key',
      `km auth [default] monitoring: obtained token ${token.fingerprint} by api_key, expires in 60 m`,
      `km auth [default] monitoring: token ${token.fingerprint} is due, good for 4 m more; refreshing behind`,
      'km auth [default] monitoring: asking for a token by refresh_token',
      'km auth [default] monitoring: attempt 2 after 1.0 s because the service answered 503',
      'km auth [default] monitoring: asking for a token by refresh_token, attempt 2',
      `km auth [default] monitoring: token ${token.fingerprint} replaced by ${newer.fingerprint} by refresh_token, expires in 60 m`,
    ]);
  });

  test('says that a token was found in the cache', async () => {
    const { manager, another } = await setup();
    const { fingerprint } = await another().getValidToken('monitoring');
    const lines: string[] = [];
    manager.subscribe(createDebugLog((line) => lines.push(line)));
    await manager.getValidToken('monitoring');

    expect(lines).toEqual([
      `km auth [default] monitoring: found token ${fingerprint} in the cache, expires in 60 m`,
    ]);
  });

  test('and every event and error never hold a secret', async () => {
    const world = await setup({ login: ['monitoring'], apiKey: API_KEY });
    const lines: string[] = [];
    world.manager.subscribe(createDebugLog((line) => lines.push(line)));
    await eventfulLife(world);
    const said = [...lines, ...world.events.all.map((event) => JSON.stringify(event))].join('\n');

    expect(lines.length).toBeGreaterThan(20);
    expect(lines.every((line) => !line.includes('\n'))).toBe(true);
    // The words of a server that repeats what it was sent are its own; the provider cleans them.
    const secrets = world.provider.requests.map((request) => request.secret);
    expect(
      secrets.filter((secret) => said.replaceAll('reuse of refresh-token-2', '').includes(secret)),
    ).toEqual([]);
    expect(said).not.toContain('access-token-');
  });

  test.each<[AuthEvent, string]>([
    [{ type: 'clock.jumped', byMs: -3_600_000, profile: 'p', atMs: 0 }, 'the clock jumped back by 60 m'],
    [{ type: 'clock.jumped', byMs: 60_000, profile: 'p', atMs: 0 }, 'the clock jumped forward by 60 s'],
    [
      { type: 'clock.skewed', skewMs: -3_600_000, profile: 'p', atMs: 0 },
      'this machine’s clock is 60 m behind the API’s',
    ],
    [
      { type: 'storm.braked', requests: 10, withinMs: 30_000, profile: 'p', atMs: 0 },
      'storm brake: 10 token requests within 30 s',
    ],
    [{ type: 'cache.corrupt', message: 'bad tag', profile: 'p', atMs: 0 }, 'could not be opened: bad tag'],
    [{ type: 'cache.recovered', profile: 'p', atMs: 0 }, 'is stored now'],
  ])('tells %j as people say it', (event, said) => {
    expect(describeEvent(event).replaceAll("'", '’')).toContain(said);
  });
});
