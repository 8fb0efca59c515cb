import { describe, expect, test } from 'vitest';
import { Secret } from '../src/index.js';
import { breakInFlight, DISK_FULL, fragileSetup, mend } from './support/fragile-cache.js';
import { KEYED, type SetupOptions } from './support/setup.js';

// An answer that could not be stored, or only by half, is stored later: others may have written meanwhile.

const HALF = { secondHalf: DISK_FULL };
const NOT_AT_ALL = { write: DISK_FULL };

/** An answer that the storage did not take, or only by half; another process, for which the storage works. */
async function unstored(broken: object, options?: SetupOptions) {
  const world = await fragileSetup(options);
  const token = await breakInFlight(world, broken);
  const late = async () => {
    mend(world.cache);
    await world.manager.stop();
  };
  return { ...world, token, other: world.another({ cache: world.shared }), late };
}

const valuesOf = async ({ stored }: Pick<Awaited<ReturnType<typeof unstored>>, 'stored'>) => {
  const { refreshToken, tokens } = await stored();
  return [refreshToken?.secret.reveal(), tokens.get('monitoring')?.reveal()];
};

describe('a minted answer of which only the refresh token could be stored', () => {
  test('does not come back over the refresh token that has replaced its own', async () => {
    const world = await unstored(HALF, {});
    expect(await valuesOf(world)).toEqual(['refresh-token-1', undefined]);
    expect((await world.other.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    await world.late();

    expect(await valuesOf(world)).toEqual(['refresh-token-2', 'access-token-2']);
    await world.other.forceRefresh('monitoring');
    expect(world.provider.requests.map(({ outcome }) => outcome)).not.toContain('rejected');
  });

  test('leaves the note of another process that is sending that refresh token', async () => {
    const world = await unstored(HALF, {});
    world.provider.latencyMs = 100;
    const renewed = world.other.getValidToken('monitoring');
    await world.clock.advance(50);
    await world.late();

    const { refreshToken, sentRefresh } = await world.stored();
    expect(refreshToken?.secret.reveal()).toBe('refresh-token-1');
    expect(sentRefresh?.fingerprint).toBe(refreshToken?.secret.fingerprint);
    await world.clock.advance(50);
    await renewed;
    expect(await valuesOf(world)).toEqual(['refresh-token-2', 'access-token-2']);
  });

  test('is stored whole where nothing was before', async () => {
    for (const broken of [HALF, NOT_AT_ALL]) {
      const world = await unstored(broken, {});
      await world.late();

      expect(await valuesOf(world)).toEqual(['refresh-token-1', 'access-token-1']);
    }
  });
});

test('a token that is minted while a human logs in is stored beside that login, and takes nothing from it', async () => {
  const world = await fragileSetup({});
  const theirs = {
    refreshToken: { secret: world.provider.login('monitoring'), scopes: ['monitoring'], issuedAtMs: 1 },
    sentRefresh: { fingerprint: 'theirs', atMs: 1 },
    proofKey: new Secret('theirs'),
  };
  world.provider.latencyMs = 100;
  const minted = world.manager.getValidToken('monitoring');
  await world.clock.advance(50);
  await world.shared.updateGrant(KEYED, (current) => ({ ...current!, ...theirs }));
  await world.clock.advance(50);
  const token = await minted;

  expect(await world.stored()).toMatchObject(theirs);
  expect((await world.stored()).tokens.get('monitoring')).toBe(token);
});
