import { describe, expect, test } from 'vitest';
import { AuthToken, createMemoryCache, Secret, type AuthEvent } from '../src/index.js';
import { AnswerKeeper, type Won } from '../src/answer-keeper.js';
import { EventPublisher } from '../src/event-publisher.js';
import { ExpiryWatch } from '../src/expiry-watch.js';
import { GrantStore } from '../src/grant-store.js';
import type { Need } from '../src/need.js';
import { DEFAULT_REFRESH_SETTINGS } from '../src/refresh-policy.js';
import { DEFAULT_SCOPE } from '../src/scope.js';
import { beginRequest } from '../src/storm-brake.js';
import { fakeClock } from './support/fake-clock.js';
import { HOUR, KEYED } from './support/setup.js';

/** A store that remembers what it was asked to store is about. */
class RecordingStore extends GrantStore {
  readonly subjects: (string | undefined)[] = [];

  override update(...[change, subject]: Parameters<GrantStore['update']>): Promise<boolean> {
    this.subjects.push(subject);
    return super.update(change, subject);
  }
}

function world({ isNarrowing = false } = {}) {
  const clock = fakeClock();
  const events = new EventPublisher('default', clock);
  const told: AuthEvent[] = [];
  const skews: number[] = [];
  events.subscribe((event) => told.push(event));
  const store = new RecordingStore(createMemoryCache({ clock }), KEYED, events, clock);
  const keeper = new AnswerKeeper({
    store,
    clock,
    settings: DEFAULT_REFRESH_SETTINGS,
    events,
    expiry: new ExpiryWatch(events, clock),
    runner: { explain: () => undefined },
    onClockSkew: (skewMs) => skews.push(skewMs),
    onToken: () => undefined,
    isNarrowing,
  });
  let issued = 0;
  const tokenOf = (scopes: string): AuthToken => {
    issued += 1;
    const issuedAtMs = clock.nowMs();
    const fields = { scopes: scopes.split(' ').filter(Boolean), issuedAtMs, expiresAtMs: issuedAtMs + HOUR };
    return new AuthToken({ ...fields, value: `token-${String(issued)}` });
  };
  /** Keeps an answer with a token of these scopes, as it is for `need`. */
  const keep = async (scope: string, granted: string, need: Partial<Need> = {}, won: Partial<Won> = {}) => {
    await store.update((record) => beginRequest(record, clock.nowMs()));
    const grant = { token: tokenOf(granted), refreshToken: new Secret(`refresh-${String(issued)}`) };
    const isServed = await keeper.keep(
      await store.read(),
      { key: scope, replaces: undefined, because: 'time', minValidMs: 0, ...need },
      { grant, scopes: undefined, grantType: 'refresh_token', ...won },
    );
    return { isServed, token: grant.token };
  };
  return { clock, store, told, skews, tokenOf, keep };
}

test('an answer with no refresh token makes those before it needless that were asked for in the same way', async () => {
  const { keep, store, tokenOf } = world();
  const without = { grant: { token: tokenOf('a') }, grantType: 'api_key' };
  await keep('a', 'a', {}, without);
  await keep('a', 'a', {}, { ...without, grantType: 'refresh_token' });
  await keep('b', 'a', {}, without);
  await keep('a', 'a', {});

  expect(store.subjects.filter((_, at) => at % 2 === 1)).toEqual([
    'api_key a',
    'refresh_token a',
    'api_key b',
    undefined,
  ]);
});

describe('a login whose scopes are not known', () => {
  test.each([
    ['a', 'a b', ['a', 'b'], true],
    ['c', 'a b', ['a', 'b'], false],
    [DEFAULT_SCOPE, 'a b', ['a', 'b', DEFAULT_SCOPE], true],
    ['a', '', undefined, true],
  ])('and that is asked for "%s" and brings "%s" serves %j', async (scope, granted, scopes, isServed) => {
    const { keep, store } = world();

    expect((await keep(scope, granted)).isServed).toBe(isServed);
    expect((await store.read()).refreshToken?.scopes).toEqual(scopes);
  });
});

describe('what is granted', () => {
  const differing = (told: readonly AuthEvent[]) =>
    told.flatMap((event) => (event.type === 'token.scopes-differ' ? [[event.granted, event.missing]] : []));

  test('is told where it is not what was asked for, once for each change', async () => {
    const { keep, told } = world({ isNarrowing: true });
    await keep('a b c', 'a b c');
    await keep('a b c', 'a d');
    await keep('a b c', 'd a');
    await keep('a b c', 'a b');
    await keep('a b c', 'a b c d');
    await keep('a b c', 'c b a');

    expect(differing(told)).toEqual([
      ['a d', 'b c'],
      ['a b', 'c'],
      ['a b c d', ''],
    ]);
  });

  test('is no news where nothing particular was asked for, or all that the login serves', async () => {
    const narrowing = world({ isNarrowing: true });
    await narrowing.keep(DEFAULT_SCOPE, 'a');
    const whole = world();
    await whole.keep('a b', 'a', {}, { scopes: ['a', 'b'] });

    expect(differing([...narrowing.told, ...whole.told])).toEqual([]);
  });
});

test('an answer that says nothing of its server’s clock says nothing of ours', async () => {
  const { keep, skews, tokenOf } = world();
  await keep('a', 'a');
  await keep('a', 'a', {}, { grant: { token: tokenOf('a'), clockSkewMs: 5_000 } });

  expect(skews).toEqual([5_000]);
});

describe('a request', () => {
  const counted = async (because: Need['because'], afterMs: number): Promise<number> => {
    const { keep, store, clock } = world();
    await keep('a', 'a');
    await clock.advance(afterMs);
    await keep('a', 'a', { because });
    return (await store.read()).unexplainedRequestsAtMs.length;
  };

  test('is explained by time, when the token before it was due', async () => {
    expect(await counted('time', 55 * 60_000)).toBe(0);
    expect(await counted('time', 5 * 60_000)).toBe(1);
  });

  test('is explained by nothing when the token before it was rejected', async () => {
    expect(await counted('rejected', 55 * 60_000)).toBe(1);
  });
});

describe('a token', () => {
  const CREDENTIAL = { grantType: 'api_key', scopes: ['a'] };

  test('that is the first of its scope was issued, and any other one refreshed', async () => {
    const { keep, told } = world();
    const { token } = await keep('a', 'a', {}, CREDENTIAL);
    await keep('a', 'a', {}, CREDENTIAL);

    expect(told).toMatchObject([
      { type: 'token.issued' },
      { type: 'token.refreshed', replaced: token.fingerprint },
    ]);
  });

  test('that was won with a refresh token was refreshed, whatever was there before', async () => {
    const { keep, told } = world();
    await keep('a', 'a');

    expect(told).toMatchObject([{ type: 'token.refreshed', replaced: undefined }]);
  });

  test('replaces what was at hand where nothing was stored', async () => {
    const { keep, told, tokenOf } = world();
    const other = tokenOf('a');
    await keep('a', 'a', { replaces: other }, CREDENTIAL);

    expect(told).toMatchObject([{ type: 'token.refreshed', replaced: other.fingerprint }]);
  });
});
