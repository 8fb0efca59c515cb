import { AuthError, createMemoryCache, type GrantRecord, type TokenCache } from '../../src/index.js';
import { EMPTY_GRANT } from '../../src/grant-record.js';
import { fakeClock, type FakeClock } from './fake-clock.js';
import { outcomeOf, setup, type SetupOptions } from './setup.js';

/** What a cache cannot do now, and the error with which it says so. */
export type Broken = {
  read?: unknown;
  write?: unknown;
  lock?: unknown;
  /** Of a write only what can mint tokens is stored, as where a grant is kept in two files. */
  secondHalf?: unknown;
};

/** A memory cache that can be broken and repaired. */
export type FragileCache = TokenCache & { broken: Broken };

export const DISK_FULL = new AuthError('KM_AUTH_CACHE', 'no space left on device');

/** `before`, with the half of `after` that can mint tokens. */
function halfOf(before: GrantRecord = EMPTY_GRANT, after: GrantRecord | undefined): GrantRecord | undefined {
  if (after === undefined) return undefined;
  const { refreshToken: _, sentRefresh: _sent, proofKey: _key, ...tokensHalf } = before;
  const { refreshToken, sentRefresh, proofKey } = after;
  return {
    ...tokensHalf,
    ...(refreshToken !== undefined && { refreshToken }),
    ...(sentRefresh !== undefined && { sentRefresh }),
    ...(proofKey !== undefined && { proofKey }),
  };
}

/** @param cache what is stored, for those who can. */
export function fragileCache(clock: FakeClock, cache = createMemoryCache({ clock })): FragileCache {
  const broken: Broken = {};
  // A cache may throw anything.
  const unless = <T>(error: unknown, does: () => Promise<T>): Promise<T> =>
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as above
    error === undefined ? does() : Promise.reject(error);
  return {
    ...cache,
    broken,
    getGrant: (key) => unless(broken.read, () => cache.getGrant(key)),
    updateGrant: (key, change) =>
      unless(broken.write, async () => {
        const isHalf = broken.secondHalf !== undefined;
        const stored = await cache.updateGrant(key, (current) =>
          isHalf ? halfOf(current, change(current)) : change(current),
        );
        return unless(broken.secondHalf, () => Promise.resolve(stored));
      }),
    withLock: (key, task, options) => unless(broken.lock, () => cache.withLock(key, task, options)),
  };
}

/** As `setup`, with a login for `monitoring` unless told otherwise, on a cache that can be broken. */
export async function fragileSetup(options: SetupOptions = { login: ['monitoring'] }) {
  const clock = fakeClock();
  const shared = createMemoryCache({ clock });
  const cache = fragileCache(clock, shared);
  const world = await setup({ ...options, clock, cache });
  return { ...world, cache, shared };
}

/** The cache breaks at the moment the service answers: it could be written before the request. */
export async function breakInFlight(
  { provider, manager, clock, cache }: Awaited<ReturnType<typeof fragileSetup>>,
  broken: Broken = { write: DISK_FULL },
) {
  provider.latencyMs = 100;
  const token = outcomeOf(manager.getValidToken('monitoring'));
  await clock.advance(50);
  Object.assign(cache.broken, broken);
  await clock.advance(50);
  provider.latencyMs = 0;
  return token;
}

/** Everything works again. */
export function mend({ broken }: FragileCache): void {
  Object.assign(broken, { read: undefined, write: undefined, lock: undefined, secondHalf: undefined });
}
