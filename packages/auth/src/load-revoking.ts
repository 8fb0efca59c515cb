import type { AuthManager } from './auth-manager.js';
import { lazily } from './lazily.js';
import type { RevokingOptions } from './revoking.js';

/** What ends tokens. Most processes end none: they never load it. */
const loadRevoking = lazily(() => import('./revoking.js'));

/** `AuthManager.revoke` of a manager that has these. */
export function createRevoke(options: RevokingOptions): AuthManager['revoke'] {
  return async (scope) => (await loadRevoking()).revokeTokens(scope, options);
}
