import { describe, expect, test } from 'vitest';
import { Secret } from '../src/index.js';
import { withoutRefreshToken } from '../src/grant-changes.js';
import { overloaded } from './support/failures.js';
import { breakInFlight, DISK_FULL, fragileSetup, mend } from './support/fragile-cache.js';
import { HOUR, KEYED, LOGGED_IN, MINUTE, outcomeOf, type SetupOptions } from './support/setup.js';

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
    await world.clock.advance(1_000);
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

  test('is not put back once a human has ended the login', async () => {
    const world = await unstored(HALF, {});
    await world.shared.updateGrant(KEYED, () => undefined);
    await world.late();

    expect(await world.shared.getGrant(KEYED)).toBeUndefined();
  });

  test('is stored whole where nothing was before', async () => {
    for (const broken of [HALF, NOT_AT_ALL]) {
      const world = await unstored(broken, {});
      await world.late();

      expect(await valuesOf(world)).toEqual(['refresh-token-1', 'access-token-1']);
    }
  });
});

describe.each([
  ['of which only the refresh token could be stored', HALF],
  ['that could not be stored at all', NOT_AT_ALL],
])('the answer to a refresh %s', (_, broken) => {
  test('brings no login back that a human has ended', async () => {
    const world = await unstored(broken);
    await world.shared.updateGrant(LOGGED_IN, () => undefined);
    await world.late();

    expect(await world.shared.getGrant(LOGGED_IN)).toBeUndefined();
    expect(await outcomeOf(world.another().getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
    });
  });

  test('is not used by this process either, once a human has ended the login', async () => {
    const world = await unstored(broken);
    await world.shared.updateGrant(LOGGED_IN, () => undefined);
    await world.clock.advance(MINUTE);

    expect(await outcomeOf(world.manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
    });
    expect(world.provider.calls).toBe(1);
  });

  test('brings no refresh token back that another process has found refused', async () => {
    const world = await unstored(broken);
    await world.shared.updateGrant(LOGGED_IN, (current) =>
      withoutRefreshToken(current!, current!.refreshToken!.secret.fingerprint),
    );
    await world.late();

    expect(await valuesOf(world)).toEqual([undefined, undefined]);
  });

  test('is stored after a time in which the storage could not be read', async () => {
    const world = await unstored({ ...broken, read: DISK_FULL });
    await world.clock.advance(MINUTE);
    expect((await world.manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
    await world.late();

    expect(await valuesOf(world)).toEqual(['refresh-token-2', 'access-token-1']);
  });

  test('leaves a newer token, and the refresh token, of another process as they are', async () => {
    const world = await unstored(broken, { login: ['monitoring'], service: { rotates: false } });
    await world.clock.advance(HOUR);
    expect((await world.other.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    await world.late();

    expect(await valuesOf(world)).toEqual(['refresh-token-1', 'access-token-2']);
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

test('the second half of an answer leaves the rest that the service has asked for since', async () => {
  const world = await unstored(HALF);
  await world.clock.advance(1_000);
  world.provider.next({ refuse: overloaded({ retryAfterMs: 10 * MINUTE }) });
  await outcomeOf(world.other.getValidToken('monitoring'));
  const { notBeforeMs, lastFailure } = await world.stored();
  expect(notBeforeMs).toBe(world.clock.nowMs() + 10 * MINUTE);
  await world.late();

  expect(await world.stored()).toMatchObject({ notBeforeMs, lastFailure });
  expect(await valuesOf(world)).toEqual(['refresh-token-2', 'access-token-1']);
});
