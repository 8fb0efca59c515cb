import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFileCache, type AuthManager, type TokenProvider } from '../src/index.js';
import { grantId } from '../src/caches/file/grant-codec.js';
import { entriesOf, indexEnd, recordsIn } from '../src/caches/file/sealed-format.js';
import { asideName } from '../src/caches/file/safe-file.js';
import { fakeClock, type FakeClock } from './support/fake-clock.js';
import { recordEvents } from './support/record-events.js';
import { HOUR, KEYED, LOGGED_IN, MINUTE, outcomeOf, setup, type Setup } from './support/setup.js';

// Of the two files of a grant only the second, with the tokens, cannot be written: it holds a record that is damaged,
// and there is no place to which it could be moved. What else is in it can be read.

let folder: string;
let clock: FakeClock;
/** Whether the token file can be written when the service answers. */
let isBrokenInFlight: boolean;
let mend: () => void;
const opened: AuthManager[] = [];

const newCache = () =>
  createFileCache({ folder, environment: {}, clock, machineId: () => 'machine', userId: 'user' });

function breakTokenFile(): void {
  const path = join(folder, '.auth_cache');
  const bytes = readFileSync(path);
  const neighbour = entriesOf(bytes, indexEnd(recordsIn(bytes))!).find(({ id }) =>
    id.equals(grantId(KEYED)),
  )!;
  bytes[neighbour.offset]! ^= 1;
  writeFileSync(path, bytes);
  const aside = asideName(path, clock.nowMs());
  mkdirSync(join(aside, 'in the way'), { recursive: true });
  mend = () => {
    rmSync(aside, { recursive: true });
  };
}

/** A login whose token is due. In the token file there is a record of somebody else as well. */
async function dueLogin(): Promise<Setup> {
  const world = await setup({ login: ['monitoring'], clock, cache: newCache() });
  const provider: TokenProvider = {
    requestToken: (request) => {
      if (isBrokenInFlight) breakTokenFile();
      isBrokenInFlight = false;
      return world.provider.requestToken(request);
    },
  };
  const manager = world.another({ provider });
  opened.push(manager);
  await manager.getValidToken('monitoring');
  await world.cache.updateGrant(KEYED, () => ({ tokens: new Map(), unexplainedRequestsAtMs: [1] }));
  await clock.advance(56 * MINUTE);
  return { ...world, manager, events: recordEvents(manager) };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-half-stored-'));
  clock = fakeClock();
  isBrokenInFlight = false;
});
afterEach(async () => {
  // Each still tries to store what it has.
  await Promise.all(opened.splice(0).map((manager) => manager.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const values = async (cache = newCache()): Promise<readonly unknown[]> => {
  const record = await cache.getGrant(LOGGED_IN);
  return [record?.refreshToken?.secret.reveal(), record?.tokens.get('monitoring')?.reveal()];
};

describe('an answer of which only the refresh token could be stored', () => {
  test('is told as not stored, used from memory, and costs no further refresh', async () => {
    const { manager, events, provider } = await dueLogin();
    isBrokenInFlight = true;
    expect((await manager.forceRefresh('monitoring')).reveal()).toBe('access-token-2');

    expect(await values()).toEqual(['refresh-token-3', 'access-token-1']);
    expect(events.of('cache.failed')).toMatchObject([{ operation: 'write' }]);
    for (let look = 0; look < 5; look += 1) {
      await clock.advance(MINUTE);
      expect((await manager.getValidToken('monitoring', {})).reveal()).toBe('access-token-2');
    }
    expect(provider.calls).toBe(2);
  });

  test('is stored whole as soon as that works', async () => {
    const { manager, events } = await dueLogin();
    isBrokenInFlight = true;
    await manager.forceRefresh('monitoring');
    mend();
    await manager.stop();

    expect(await values()).toEqual(['refresh-token-3', 'access-token-2']);
    expect(await newCache().getGrant(LOGGED_IN)).not.toHaveProperty('sentRefresh');
    expect(events.of('cache.recovered')).toHaveLength(1);
  });

  test('changes nothing any more once another process has used that refresh token', async () => {
    const { manager, another } = await dueLogin();
    isBrokenInFlight = true;
    await manager.forceRefresh('monitoring');
    mend();
    const other = another({ cache: newCache() });
    expect((await other.forceRefresh('monitoring')).reveal()).toBe('access-token-3');
    await manager.stop();

    expect(await values()).toEqual(['refresh-token-4', 'access-token-3']);
  });
});

test('a refresh token that was noted as sent, and was not because the note was not whole, is sent without a word later', async () => {
  const { manager, events, provider } = await dueLogin();
  await clock.advance(HOUR);
  breakTokenFile();
  expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({ code: 'KM_AUTH_CACHE' });
  expect(provider.calls).toBe(1);
  expect(await newCache().getGrant(LOGGED_IN)).not.toHaveProperty('sentRefresh');
  mend();
  expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
  expect(events.of('refresh.answer-lost')).toEqual([]);
});
