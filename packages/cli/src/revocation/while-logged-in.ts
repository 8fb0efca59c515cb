import { TokenRequestError, type LoginStore, type TokenProvider } from '@kilometers/auth';
import { grantKeyOf, type GrantOwner } from '../grant-of-account.js';
import { credentialOf } from '../settings.js';

/**
 * `provider`, asked with the credential of a stored login only as long as that login is still stored: a process that
 * read it before somebody logged out wins nothing with it any more.
 */
export function whileLoggedIn(
  provider: TokenProvider,
  held: GrantOwner,
  logins: Pick<LoginStore, 'get'>,
): TokenProvider {
  const own = grantKeyOf(held).credential;
  const isLoggedIn = async (): Promise<boolean> => {
    try {
      const login = await logins.get(held.profile);
      if (login === undefined) return false;
      const { profile, apiEndpoint } = held;
      return grantKeyOf({ ...credentialOf(login), profile, apiEndpoint }).credential === own;
    } catch {
      // Trouble with the disk is no logout.
      return true;
    }
  };
  return {
    async requestToken(request) {
      if (request.grantType === 'refresh_token' || (await isLoggedIn())) {
        return provider.requestToken(request);
      }
      throw new TokenRequestError(
        'KM_AUTH_GRANT_REJECTED',
        `profile ${held.profile} was logged out meanwhile: log in again, and start this anew`,
        { isAnswerLost: false },
      );
    },
  };
}
