import {
  createAuthManager,
  createMemoryCache,
  Secret,
  type AuthManager,
  type AuthManagerConfig,
  type GrantKey,
  type GrantRecord,
  type TokenCache,
} from '../../src/index.js';
import { loadRefreshing } from '../../src/load-refreshing.js';
import { fakeClock, type FakeClock } from './fake-clock.js';
import { recordEvents, type RecordedEvents } from './record-events.js';
import {
  scriptedProvider,
  type ScriptedProvider,
  type ScriptedProviderOptions,
} from './scripted-provider.js';

// Loading takes time of its own, which a clock that tests advance does not see.
await loadRefreshing();

export const API_KEY = 'km_pro_scripted_key_1';
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

/** The grant of a manager that has {@link API_KEY}. */
export const KEYED: GrantKey = {
  apiOrigin: 'https://api.kilometers.ai',
  profile: 'default',
  credential: `key:${new Secret(API_KEY).fingerprint}`,
};

/** The grant of a manager that has nothing but a login. */
export const LOGGED_IN: GrantKey = { ...KEYED, credential: 'login:' };

export type Setup = {
  readonly clock: FakeClock;
  readonly provider: ScriptedProvider;
  readonly cache: TokenCache;
  readonly manager: AuthManager;
  readonly events: RecordedEvents;
  /** What is stored of the manager's grant. */
  readonly stored: () => Promise<GrantRecord>;
  /** Another manager on the same cache: another process, as far as it can tell. */
  readonly another: (config?: AuthManagerConfig) => AuthManager;
};

export type SetupOptions = AuthManagerConfig & {
  readonly clock?: FakeClock;
  readonly service?: Omit<ScriptedProviderOptions, 'clock'>;
  /** The login that is stored to begin with, and its scopes. No API key then, unless one is given. */
  readonly login?: readonly string[];
};

/**
 * A manager with its world: a fake clock, a scripted service, a memory cache. It has an API key, or a
 * stored login. No jitter, so that times are exact; `random: () => 1` makes the waits between tries exact.
 */
export async function setup(options: SetupOptions = {}): Promise<Setup> {
  const { clock = fakeClock(), service, login, ...config } = options;
  const provider = scriptedProvider({ ...service, clock });
  const cache = config.cache ?? createMemoryCache({ clock });
  const hasKey = login === undefined || config.apiKey !== undefined;
  const key = hasKey ? KEYED : LOGGED_IN;
  if (login !== undefined) await storeLogin(cache, key, provider, clock, login);
  const base: AuthManagerConfig = {
    provider,
    cache,
    clock,
    random: () => 0,
    ...(hasKey && { apiKey: API_KEY }),
    ...config,
  };
  const manager = createAuthManager(base);
  return {
    clock,
    provider,
    cache,
    manager,
    events: recordEvents(manager),
    stored: async () => (await cache.getGrant(key)) ?? { tokens: new Map(), unexplainedRequestsAtMs: [] },
    another: (more = {}) => createAuthManager({ ...base, ...more }),
  };
}

/** A login with a token for `monitoring` that was good until now; its waits between tries are exact. */
export async function expiredLogin(options: SetupOptions = {}): Promise<Setup> {
  const world = await setup({ login: ['monitoring'], random: () => 1, ...options });
  await world.manager.getValidToken('monitoring');
  await world.clock.advance(HOUR);
  return world;
}

/** Stores a login that was won for `scopes`, without any token yet. */
async function storeLogin(
  cache: TokenCache,
  key: GrantKey,
  provider: ScriptedProvider,
  clock: FakeClock,
  scopes: readonly string[],
): Promise<void> {
  const secret = provider.login(...scopes);
  await cache.updateGrant(key, () => ({
    tokens: new Map(),
    unexplainedRequestsAtMs: [],
    refreshToken: { secret, scopes, issuedAtMs: clock.nowMs() },
  }));
}

/** How `promise` ends: its value, or its error as a value. */
export function outcomeOf<T>(promise: Promise<T>): Promise<T | Error> {
  return promise.catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
}
