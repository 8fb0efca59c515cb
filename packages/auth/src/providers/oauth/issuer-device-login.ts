import { randomUUID } from 'node:crypto';
import type { TokenGrant } from '../../ports.js';
import type { Login } from '../../store-login.js';
import { TokenRequestError } from '../../token-request-error.js';
import { OAUTH_NAMES, parseDeviceCode, shownOf, type DeviceCode } from '../device-answers.js';
import type { DeviceLogin } from '../device-login.js';
import { pollRefused, pollUntilAnswered, type Poll } from '../device-polling.js';
import { scopeParameter, targetParameters } from './grant-requests.js';
import { loginScopes } from './login-scopes.js';
import type { OAuthConnection } from './oauth-connection.js';
import { oauthRefusalError } from './oauth-refusal.js';

/** What a login with a code asks for. */
export type IssuerDeviceLoginOptions = {
  /** What the login is for. Default: the provider's scopes; else `openid` and `offline_access`, where the issuer knows them. */
  readonly scopes?: readonly string[] | undefined;
};

/** A login that waits for a person with a browser on any machine. */
export type IssuerDeviceLogin = Omit<DeviceLogin, 'wait'> & {
  /** As `DeviceLogin.wait`; brings what `storeLogin` stores. */
  wait(options?: { readonly signal?: AbortSignal }): Promise<Login>;
};

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code';

/** Starts a login for a device with no browser: shows nothing and opens nothing, that is its caller's part. */
export async function startIssuerDeviceLogin(
  connection: OAuthConnection,
  options: IssuerDeviceLoginOptions,
): Promise<IssuerDeviceLogin> {
  const { wire } = connection;
  const { settings, library } = wire;
  const { url, server, auth } = await connection.endpoint.open(
    'device_authorization_endpoint',
    'nobody can log in there with a code',
  );
  const scopes = loginScopes(options.scopes ?? settings.scopes, server);
  const { target } = settings.tokenIssuer;
  const parameters = [...scopeParameter(scopes), ...targetParameters(target)].map((pair) => [...pair]);
  const answer = await wire.read(
    url.origin,
    library.deviceAuthorizationRequest(server, wire.client(), auth, parameters, wire.sending()),
  );
  if (answer.status !== 200)
    throw oauthRefusalError({ answer, origin: url.origin, what: 'a login with a code', secrets: [] });
  const code = parseDeviceCode(answer, url.origin, OAUTH_NAMES);
  const { clock } = settings;
  const startedAtMs = clock.monotonicMs();
  return {
    ...shownOf(code),
    async wait({ signal } = {}) {
      const { expiresInMs, intervalMs } = code;
      const polling = { expiresInMs, intervalMs, clock, startedAtMs, signal };
      const grant = await pollUntilAnswered(() => poll(connection, code, scopes), polling);
      return { id: randomUUID(), grant, askedScopes: scopes };
    },
  };
}

async function poll(
  { endpoint, wire }: OAuthConnection,
  { deviceCode }: DeviceCode,
  scopes: readonly string[],
): Promise<Poll<TokenGrant>> {
  try {
    const grant = await endpoint.request({
      grantType: GRANT_TYPE,
      parameters: [['device_code', deviceCode], ...targetParameters(wire.settings.tokenIssuer.target)],
      secrets: [deviceCode],
      isSingleUse: true,
      isLogin: true,
      scopes,
    });
    return { kind: 'granted', grant };
  } catch (error) {
    if (!(error instanceof TokenRequestError)) throw error;
    return pollRefused(error);
  }
}
