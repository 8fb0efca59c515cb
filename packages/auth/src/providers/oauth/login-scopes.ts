import type { AuthorizationServer } from 'oauth4webapi';

/** OpenID's own, and the one that asks for a refresh token (OpenID Connect Core §11). */
const USUAL_SCOPES: readonly string[] = ['openid', 'offline_access'];

/** What a login asks for: what was chosen, else who it is and a refresh token, as far as the issuer says it knows these. */
export function loginScopes(chosen: readonly string[], server: AuthorizationServer): readonly string[] {
  if (chosen.length > 0) return chosen;
  return USUAL_SCOPES.filter((scope) => server.scopes_supported?.includes(scope) === true);
}
