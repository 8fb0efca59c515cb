import {
  isAuthError,
  LOGIN_SCOPES,
  revokeToken,
  scopeKey,
  startDeviceLogin,
  type DeviceLogin,
  type GrantRecord,
  type TokenGrant,
} from '@kilometers/auth';
import { grantKeyOf } from '../grant-of-account.js';
import { transportOf } from '../network/transport.js';
import { whileSpinning } from '../terminal/spinner.js';
import { tellDeviceCode } from './device-code.js';
import { giveBackGrant } from './give-back.js';
import type { LoginKind, LoginRequest, WonLogin } from './login-kind.js';
import { unproved } from './proof.js';
import { waitForPerson } from './wait-for-person.js';

/** In a browser, on this device or another, with a code (RFC 8628). */
export const deviceLogin: LoginKind = {
  usage: '--device',
  menu: 'in a browser, here or on another device, with a code',
  // It opens the browser where there is one: the Kilometers API has no other login in it.
  isMeant: ({ device = false, web = false }) => device || web,
  async win(request) {
    try {
      const { context, apiEndpoint, onWon } = request;
      const api = { apiEndpoint, transport: transportOf(context) };
      const login = await start(request);
      const grant = await waitForPerson(
        {
          what: 'waiting for you to approve it',
          tell: () => tellDeviceCode(login, context),
          wait: (options) => login.wait(options),
          giveBack: (won) => giveBackGrant(won, (token) => revokeToken(token, api)),
          onWon,
        },
        context,
      );
      return wonBy(grant, request);
    } catch (error) {
      throw unproved(error);
    }
  },
};

/** Asks for all that `km` does; of an API that knows less, for what it gives. */
async function start({ context, apiEndpoint, settings, flags }: LoginRequest): Promise<DeviceLogin> {
  const { clock } = context;
  const transport = transportOf(context);
  const { requestTimeoutMs } = settings.config;
  const options = {
    apiEndpoint,
    clock,
    transport,
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
  };
  return whileSpinning('asking for a code', context, async () => {
    try {
      return await startDeviceLogin({ ...options, scopes: flags.scope ?? LOGIN_SCOPES });
    } catch (error) {
      if (flags.scope !== undefined || !isAuthError(error, 'KM_AUTH_INVALID_SCOPE')) throw error;
      return startDeviceLogin(options);
    }
  });
}

function wonBy(grant: TokenGrant, { context, profile, apiEndpoint }: LoginRequest): WonLogin {
  const { token, refreshToken, refreshTokenExpiresAtMs } = grant;
  const scopes = token.scopes;
  const record: GrantRecord = {
    tokens: new Map(
      [...scopes, ...(scopes.length === 0 ? LOGIN_SCOPES : [])].map((scope) => [scopeKey(scope), token]),
    ),
    unexplainedRequestsAtMs: [],
    ...(refreshToken !== undefined && {
      refreshToken: {
        secret: refreshToken,
        issuedAtMs: token.issuedAtMs,
        ...(scopes.length > 0 && { scopes }),
        ...(refreshTokenExpiresAtMs !== undefined && { expiresAtMs: refreshTokenExpiresAtMs }),
      },
    }),
  };
  return {
    login: { kind: 'refresh_token', profile, apiEndpoint, atMs: context.clock.nowMs() },
    token,
    grants: [{ key: grantKeyOf({ profile, apiEndpoint }), record }],
  };
}
