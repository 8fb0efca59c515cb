import {
  createDocumentFile,
  createOAuthProvider,
  TokenRequestError,
  type DocumentStore,
  type IssuerDiscovery,
  type LoginStore,
  type OAuthLogin,
  type OAuthProvider,
  type Secret,
  type TokenProvider,
} from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { transportOf } from '../network/transport.js';
import { openStorage } from '../token-cache.js';
import { checkedIssuer, providerOptions, type IssuerSettings } from './provider-options.js';

type OpenOptions = { readonly requestTimeoutMs?: number | undefined; readonly documents?: DocumentStore };

/** An issuer, asked through the network as the environment wants it. */
export function openProvider(
  settings: IssuerSettings,
  clientSecret: Secret | undefined,
  context: CommandContext,
  options: OpenOptions = {},
): OAuthProvider {
  return createOAuthProvider({
    ...providerOptions(settings, clientSecret),
    ...options,
    transport: transportOf(context),
    clock: context.clock,
  });
}

/**
 * Looks for what an issuer publishes, as a login there does; `provider` is what a profile says of it.
 *
 * @throws {CliError} where that is broken. @throws {AuthError} as `OAuthProvider.discover`.
 */
export async function discoverIssuer(
  provider: Readonly<Record<string, unknown>>,
  context: CommandContext,
  requestTimeoutMs: number,
): Promise<IssuerDiscovery | undefined> {
  const { issuer = '', clientId = 'km', endpoints, clientAuthentication } = checkedIssuer(provider);
  // A certificate is shown to whoever is connected to. What else a client has is not sent for this.
  const shown = clientAuthentication?.method === 'tls_client_auth' && { clientAuthentication };
  const settings: IssuerSettings = {
    issuer,
    clientId,
    login: 'browser',
    ...(endpoints !== undefined && { endpoints }),
    ...shown,
  };
  return openProvider(settings, undefined, context, { requestTimeoutMs }).discover();
}

/**
 * The issuer that a stored login was made at; what it publishes is kept beside the tokens.
 *
 * @throws {CliError} where what is stored of it is broken.
 */
export function providerOfLogin(
  { provider, clientSecret }: Pick<OAuthLogin, 'provider' | 'clientSecret'>,
  context: CommandContext,
  requestTimeoutMs?: number,
): OAuthProvider {
  const settings = checkedIssuer(provider) as IssuerSettings;
  const { clock, random } = context;
  const { folder, whyMemory } = openStorage(context);
  const documents =
    folder === undefined || whyMemory !== undefined
      ? undefined
      : createDocumentFile({ folder, clock, random });
  return openProvider(settings, clientSecret, context, {
    requestTimeoutMs,
    ...(documents !== undefined && { documents }),
  });
}

/**
 * `provider`, asked with what the client of a stored login has only as long as that login is still stored: a process
 * that read it before somebody logged out wins nothing with it any more.
 */
export function whileStored(
  provider: OAuthProvider,
  held: OAuthLogin,
  logins: Pick<LoginStore, 'get'> | undefined,
): TokenProvider {
  const { profile, credential } = held.grant;
  const isStored = async (): Promise<boolean> => {
    try {
      const login = await logins?.get(profile);
      return login?.kind === 'oauth' && login.grant.credential === credential;
    } catch {
      // Trouble with the disk is no logout.
      return true;
    }
  };
  return {
    ...provider,
    async requestToken(request) {
      if (request.grantType === 'refresh_token' || (await isStored())) return provider.requestToken(request);
      throw new TokenRequestError(
        'KM_AUTH_GRANT_REJECTED',
        `profile ${profile} was logged out meanwhile: log in again, and start this anew`,
        { isAnswerLost: false },
      );
    },
  };
}
