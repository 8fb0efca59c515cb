import { parseEndpoint } from './api-origin.js';
import type { AuthManagerConfig } from './auth-manager-config.js';
import { credentialIn } from './credential.js';
import { grantKeyOf } from './grant-key.js';
import type { GrantKey } from './grant-record.js';
import { defaultLoginCommand, shellWord } from './login-command.js';
import type { TokenProvider } from './ports.js';
import { loginRequired } from './refresh-errors.js';
import { coversScopes, LOGIN_SCOPES } from './scope.js';
import type { EndedLogin, LoginStore, StoredLogin } from './stored-login.js';
import { TokenRequestError } from './token-request-error.js';

/** What tells a manager which grant is meant, and what mints its tokens. */
export type LoginConfig = Pick<
  AuthManagerConfig,
  'apiKey' | 'clientCredentials' | 'loginId' | 'loginCommand'
>;

/** Each kind of login that there is. */
const KINDS: Readonly<Record<StoredLogin['kind'], true>> = {
  api_key: true,
  client_credentials: true,
  refresh_token: true,
  oauth: true,
};

/** Whether a stored login can be used: a newer version may have stored one of a kind that this one does not know. */
export function isKnownLogin({ kind }: StoredLogin): boolean {
  return Object.hasOwn(KINDS, kind);
}

function withScopes(command: string, scopes: readonly string[]): string {
  return [command, ...scopes.map((scope) => `--scope ${shellWord(scope)}`)].join(' ');
}

/** Names scopes only where the login would not ask for them by itself: those that are named are all that it asks for. */
function personsLoginCommand(command: string, scopes: readonly string[]): string {
  if (coversScopes(LOGIN_SCOPES, scopes)) return command;
  return withScopes(`${command} --device`, [...new Set([...LOGIN_SCOPES, ...scopes])]);
}

/**
 * What a stored login gives a manager, besides its provider. A refresh token is no part of it: the cache has that.
 *
 * @throws {AuthError} `KM_AUTH_LOGIN_REQUIRED` when a newer version has stored it, so that it cannot be used.
 */
export function configOfLogin(login: StoredLogin, loginCommand: string): LoginConfig {
  switch (login.kind) {
    case 'api_key':
      return { loginCommand, apiKey: login.apiKey };
    case 'client_credentials':
      return {
        loginCommand,
        clientCredentials: { clientId: login.clientId, clientSecret: login.clientSecret },
      };
    case 'refresh_token':
      return { loginCommand: (scopes) => personsLoginCommand(loginCommand, scopes) };
    case 'oauth':
      return {
        loginId: login.loginId,
        // The next login remembers what this one asked for: without them it would come to the same again.
        loginCommand: (scopes) => withScopes(loginCommand, scopes),
      };
    default:
      throw loginRequired(
        loginCommand,
        `the login of profile ${(login as StoredLogin).profile} was stored by a newer version, which has to be used for it`,
      );
  }
}

/**
 * Under what a manager keeps a stored login's grant.
 *
 * @throws {AuthError} `KM_AUTH_LOGIN_REQUIRED` as `configOfLogin`.
 */
export function grantKeyOfLogin(login: StoredLogin): GrantKey {
  if (login.kind === 'oauth') return login.grant;
  return grantKeyOf({
    profile: login.profile,
    apiOrigin: parseEndpoint(login.apiEndpoint).origin,
    issuer: undefined,
    credential: credentialIn(configOfLogin(login, defaultLoginCommand(login.profile))),
    loginId: '',
  });
}

/** What has to be known of a login once it is over, to end its tokens; `undefined` of one that is not known itself. */
export function endedLoginOf(login: StoredLogin): EndedLogin | undefined {
  if (!isKnownLogin(login)) return undefined;
  const { apiEndpoint } = login;
  const grant = grantKeyOfLogin(login);
  if (login.kind !== 'oauth') return { grant, apiEndpoint };
  const { provider, clientSecret } = login;
  return { grant, apiEndpoint, provider, ...(clientSecret !== undefined && { clientSecret }) };
}

/**
 * `provider`, asked with the credential of this grant only as long as the login that it is of is still stored: a process that
 * read it before somebody logged out wins nothing with it any more.
 *
 * @param followsLogin whether the process takes up the next login by itself; where it does not, who reads the error is told
 *   to start it anew. Default false.
 */
export function whileStored(
  provider: TokenProvider,
  { profile, credential }: GrantKey,
  logins: Pick<LoginStore, 'get'>,
  followsLogin = false,
): TokenProvider {
  const toDo = followsLogin ? '' : ': after the next login, start this anew';
  const isStored = async (): Promise<boolean> => {
    try {
      const login = await logins.get(profile);
      return login !== undefined && isKnownLogin(login) && grantKeyOfLogin(login).credential === credential;
    } catch {
      // Trouble with the storage is no logout.
      return true;
    }
  };
  return {
    ...provider,
    async requestToken(request) {
      if (request.grantType === 'refresh_token' || (await isStored())) return provider.requestToken(request);
      throw new TokenRequestError(
        'KM_AUTH_GRANT_REJECTED',
        `profile ${profile} was logged out meanwhile${toDo}`,
        { isAnswerLost: false },
      );
    },
  };
}
