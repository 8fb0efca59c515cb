/*
 * The login of a test's program, as its environment says, from the built library. Its wall clock is
 * LOGIN_CLOCK_AHEAD_MS fast; its keyring may take LOGIN_KEYRING_MS, and a token is due LOGIN_REFRESH_AHEAD_MS before its end,
 * where that is set. LOGIN_CACHE_URL is of a fleet.
 * `waits` is what it waited for by the clock: when each wait began, and how long it was to be.
 */
import {
  configFolder,
  createAuthManager,
  createDebugLog,
  createFileCache,
  createKeyring,
  createRedisCache,
  systemClock,
} from '@kilometers/auth';

const { env } = process;

export function openLogin() {
  const aheadMs = Number(env.LOGIN_CLOCK_AHEAD_MS ?? 0);
  const waits = [];
  const clock = {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + aheadMs,
    schedule(callback, delayMs, keepsAlive) {
      const beganAtMs = Date.now();
      const onTime = () => {
        if (keepsAlive) waits.push({ beganAtMs, delayMs });
        callback();
      };
      return systemClock.schedule(onTime, delayMs, keepsAlive);
    },
  };
  const keyringMs = env.LOGIN_KEYRING_MS;
  const files = createFileCache({
    folder: configFolder(env),
    environment: env,
    clock,
    ...(keyringMs !== undefined && {
      keyring: createKeyring({ environment: env, timeoutMs: Number(keyringMs) }),
    }),
  });
  const { LOGIN_CACHE_URL: url, LOGIN_CACHE_KEY: key } = env;
  const cache = url === undefined ? files : createRedisCache({ url, key, clock });
  const manager = createAuthManager({
    apiEndpoint: env.LOGIN_URL,
    refreshToken: env.LOGIN_REFRESH_TOKEN,
    apiKey: env.LOGIN_API_KEY,
    cache,
    clock,
    ...(env.LOGIN_TIMEOUT_MS !== undefined && { requestTimeoutMs: Number(env.LOGIN_TIMEOUT_MS) }),
    ...(env.LOGIN_CHECK_MS !== undefined && { checkIntervalMs: Number(env.LOGIN_CHECK_MS) }),
    ...(env.LOGIN_REFRESH_AHEAD_MS !== undefined && { refreshAheadMs: Number(env.LOGIN_REFRESH_AHEAD_MS) }),
  });
  manager.subscribe(createDebugLog((line) => process.stderr.write(`${line}\n`)));
  return { cache, manager, waits };
}
