import { parseEndpoint, type GrantKey, type StoredLogin } from '@kilometers/auth';
import type { TokenAuthority } from './revoke-at.js';

/** Who issued the tokens of a grant: the issuer of the login among `logins` that it is of, or the API at its origin. */
export function authorityOf(key: GrantKey, logins: readonly StoredLogin[]): TokenAuthority {
  const oauth = logins
    .filter((login) => login.kind === 'oauth')
    .find(({ grant }) => grant.credential === key.credential && grant.profile === key.profile);
  if (oauth !== undefined) {
    const { provider, clientSecret, apiEndpoint } = oauth;
    return { apiEndpoint, oauth: { provider, ...(clientSecret !== undefined && { clientSecret }) } };
  }
  const atOrigin = logins.find(
    ({ kind, apiEndpoint }) => kind !== 'oauth' && parseEndpoint(apiEndpoint).origin === key.apiOrigin,
  );
  // The endpoint that was logged in to may have a path of its own.
  return { apiEndpoint: atOrigin?.apiEndpoint ?? key.apiOrigin };
}
