import { isGrantOfIssuer, parseEndpoint, type EndedLogin, type GrantKey } from '@kilometers/auth';
import type { TokenAuthority } from './revoke-at.js';

/**
 * Who issued the tokens of a grant: the issuer of the one among `logins` that it is of, or the API at its origin.
 * `undefined` where it was another issuer that none of them names: then nobody can be told, and the API must not be.
 */
export function authorityOf(key: GrantKey, logins: readonly EndedLogin[]): TokenAuthority | undefined {
  const own = logins.find(
    ({ grant }) => grant.credential === key.credential && grant.profile === key.profile,
  );
  if (own?.provider !== undefined) {
    const { apiEndpoint, provider, clientSecret } = own;
    return { apiEndpoint, oauth: { provider, ...(clientSecret !== undefined && { clientSecret }) } };
  }
  if (isGrantOfIssuer(key)) return undefined;
  const atOrigin = logins.find(
    ({ provider, apiEndpoint }) =>
      provider === undefined && parseEndpoint(apiEndpoint).origin === key.apiOrigin,
  );
  // The endpoint that was logged in to may have a path of its own.
  return { apiEndpoint: atOrigin?.apiEndpoint ?? key.apiOrigin };
}
