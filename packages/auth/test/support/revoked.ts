import type { AuthManager } from '../../src/index.js';
import { outcomeOf, setup, type Setup, type SetupOptions } from './setup.js';

/** What a service has ended, as it tells of it, after a login of {@link loggedIn}. */
export const REFRESH_2 = 'refresh_token refresh-token-2';
export const ACCESS_1 = 'access_token access-token-1';

/** A login with a token for `monitoring`, in memory and in the cache. */
export async function loggedIn(options: SetupOptions = {}): Promise<Setup> {
  const world = await setup({ login: ['monitoring', 'plugins'], ...options });
  await world.manager.getValidToken('monitoring');
  return world;
}

/** Whether a human must log in. */
export async function isOver(manager: AuthManager): Promise<boolean> {
  const outcome = await outcomeOf(manager.getValidToken('monitoring'));
  return outcome instanceof Error && 'code' in outcome && outcome.code === 'KM_AUTH_LOGIN_REQUIRED';
}
