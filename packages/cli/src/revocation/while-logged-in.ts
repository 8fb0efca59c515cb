import {
  Secret,
  TokenRequestError,
  type AuthManagerConfig,
  type LoginStore,
  type StoredLogin,
  type TokenProvider,
} from '@kilometers/auth';

/** What a process took from a stored login when it started. */
export type HeldCredential = Pick<AuthManagerConfig, 'apiKey' | 'clientCredentials'> & {
  readonly profile: string;
};

function isOf(login: StoredLogin, { apiKey, clientCredentials }: HeldCredential): boolean {
  switch (login.kind) {
    case 'api_key':
      return apiKey !== undefined && Secret.from(apiKey).fingerprint === login.apiKey.fingerprint;
    case 'client_credentials':
      return (
        clientCredentials?.clientId === login.clientId &&
        Secret.from(clientCredentials.clientSecret).fingerprint === login.clientSecret.fingerprint
      );
  }
}

/**
 * `provider`, asked with the credential of a stored login only as long as that login is still stored: a process that
 * read it before somebody logged out wins nothing with it any more.
 */
export function whileLoggedIn(
  provider: TokenProvider,
  held: HeldCredential,
  logins: Pick<LoginStore, 'get'>,
): TokenProvider {
  const isLoggedIn = async (): Promise<boolean> => {
    try {
      const login = await logins.get(held.profile);
      return login !== undefined && isOf(login, held);
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
