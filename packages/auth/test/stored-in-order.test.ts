import { describe, expect, test } from 'vitest';
import {
  AuthToken,
  createMemoryCache,
  Secret,
  type AuthEvent,
  type GrantRecord,
  type TokenCache,
} from '../src/index.js';
import { EventPublisher } from '../src/event-publisher.js';
import { withoutTokens } from '../src/grant-changes.js';
import { GrantStore } from '../src/grant-store.js';
import { fakeClock, settle } from './support/fake-clock.js';
import { LOGGED_IN } from './support/setup.js';

const TOKEN = new AuthToken({ value: 't', scopes: [], issuedAtMs: 0, expiresAtMs: 1 });
const won = (record: GrantRecord): GrantRecord => ({
  ...record,
  tokens: new Map([['a', TOKEN]]),
  refreshToken: { secret: new Secret('r'), issuedAtMs: 1 },
});

/** A store on a cache whose writes wait, each until a test lets it go on, or fail. */
function slowWrites(more: Partial<TokenCache> = {}) {
  const clock = fakeClock();
  const events = new EventPublisher('default', clock);
  const told: AuthEvent['type'][] = [];
  events.subscribe(({ type }) => told.push(type));
  const memory = createMemoryCache({ clock });
  const waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const store = new GrantStore(
    {
      ...memory,
      updateGrant: async (key, change) => {
        await new Promise<void>((resolve, reject) => waiting.push({ resolve, reject }));
        return memory.updateGrant(key, change);
      },
      ...more,
    },
    LOGGED_IN,
    events,
    clock,
  );
  /** Ends the write that waits longest: well, unless `error` is given. */
  const finish = async (error?: Error): Promise<void> => {
    await settle();
    const write = waiting.shift();
    if (error === undefined) write?.resolve();
    else write?.reject(error);
    await settle();
  };
  const stored = () => memory.getGrant(LOGGED_IN);
  const logOut = () => memory.updateGrant(LOGGED_IN, () => undefined);
  return { store, told, waiting, finish, stored, logOut };
}

describe('what is just being stored', () => {
  test.each([
    ['what could not be stored is looked for', (store: GrantStore) => store.flush()],
    ['something is noted', (store: GrantStore) => store.note((record) => record)],
    ['the tokens are cleared', (store: GrantStore) => store.update(withoutTokens)],
  ])('is stored once, though %s meanwhile, so that no logout is undone', async (_, meanwhile) => {
    const { store, told, waiting, finish, stored, logOut } = slowWrites();
    const answer = store.update(won);
    await settle();
    const other = meanwhile(store);
    await finish();
    expect(await answer).toBe(true);
    expect((await stored())?.refreshToken?.secret.reveal()).toBe('r');

    await logOut();
    while (waiting.length > 0) await finish();
    expect(await other).toBe(true);
    expect((await stored())?.refreshToken).toBeUndefined();
    expect(told).toEqual([]);
  });

  test('is waited for by who asks whether anything is left', async () => {
    const { store, finish } = slowWrites();
    const answer = store.update(won);
    let isLeft: boolean | undefined;
    const flushed = store.flush().then((isDone) => (isLeft = !isDone));
    await settle();
    expect(isLeft).toBeUndefined();
    await finish();
    await answer;

    expect(await flushed).toBe(false);
  });

  test('is stored with what came after it when it fails, which is told once', async () => {
    const { store, told, waiting, finish, stored } = slowWrites();
    const answer = store.update(won);
    const cleared = store.update(withoutTokens);
    await finish(new Error('the disk is gone'));
    expect(await answer).toBe(false);
    await finish();

    expect(await cleared).toBe(true);
    expect(waiting).toEqual([]);
    expect((await stored())?.refreshToken?.secret.reveal()).toBe('r');
    expect((await stored())?.tokens.size).toBe(0);
    expect(told).toEqual(['cache.failed', 'cache.recovered']);
  });

  test('is what is read', async () => {
    const { store, finish } = slowWrites({ getTokens: () => Promise.resolve(new Map([['a', TOKEN]])) });
    const cleared = store.update(withoutTokens);
    await settle();

    expect(await store.readTokens()).toEqual(new Map());
    await finish();
    await cleared;
  });
});
