import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { AuthToken, createAuthManager, createRedisCache, type TokenGrant } from '../src/index.js';
import { HAS_REDIS, startRedis } from './support/redis-server.js';

type Held = { readonly outer?: Held };

/** How many locks are kept with `held`. */
function lengthOf(held: Held | undefined): number {
  return held === undefined ? 0 : 1 + lengthOf(held.outer);
}

afterEach(() => vi.restoreAllMocks());

test.skipIf(!HAS_REDIS)(
  'a program that keeps its tokens good keeps none of the locks that it had',
  async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const cache = createRedisCache({ url: server.url, key: randomBytes(32).toString('base64') });
    onTestFinished(() => cache.close());
    const run = vi.spyOn(AsyncLocalStorage.prototype, 'run');
    const manager = createAuthManager({
      cache,
      apiKey: 'km_live_key',
      provider: {
        requestToken: (): Promise<TokenGrant> => {
          const issuedAtMs = Date.now();
          const times = { issuedAtMs, expiresAtMs: issuedAtMs + 1_000 };
          return Promise.resolve({ token: new AuthToken({ value: 'a', scopes: ['monitoring'], ...times }) });
        },
      },
    });
    manager.start();
    onTestFinished(() => manager.stop());
    await manager.getValidToken('monitoring');
    await vi.waitFor(() => expect(run.mock.calls.length).toBeGreaterThan(4), { timeout: 9_000 });

    expect(Math.max(...run.mock.calls.map(([held]) => lengthOf(held as Held)))).toBeLessThanOrEqual(2);
  },
);
