import {
  createDocumentFile,
  createOAuthProvider,
  isAuthError,
  issuerOptions,
  type DocumentStore,
  type IssuerDiscovery,
  type IssuerSettings,
  type OAuthLogin,
  type OAuthProvider,
  type OAuthProviderOptions,
  type Secret,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { exitCodeFor } from '../exit-code.js';
import { transportOf } from '../network/transport.js';
import { openStorage } from '../token-cache.js';
import { checkedIssuer } from './checked-issuer.js';

type OpenOptions = { readonly requestTimeoutMs?: number | undefined; readonly documents?: DocumentStore };

/** @throws {CliError} where a setting is missing: `km doctor` tells that from what an issuer answers. */
function optionsOf(settings: IssuerSettings, clientSecret: Secret | undefined): OAuthProviderOptions {
  try {
    return issuerOptions(settings, clientSecret);
  } catch (cause) {
    if (!isAuthError(cause)) throw cause;
    throw new CliError(cause.message, { exitCode: exitCodeFor(cause), cause });
  }
}

/** An issuer, asked through the network as the environment wants it. */
export function openProvider(
  settings: IssuerSettings,
  clientSecret: Secret | undefined,
  context: CommandContext,
  options: OpenOptions = {},
): OAuthProvider {
  return createOAuthProvider({
    ...optionsOf(settings, clientSecret),
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
      : createDocumentFile({ folder, clock, random, onNotice: (message) => context.tell(`km: ${message}`) });
  return openProvider(settings, clientSecret, context, {
    requestTimeoutMs,
    ...(documents !== undefined && { documents }),
  });
}
