import { constants } from 'node:os';
import {
  formatDuration,
  isAuthError,
  revokeToken,
  scopeKey,
  startDeviceLogin,
  type DeviceLogin,
  type GrantRecord,
  type RevokeTokenOptions,
  type TokenGrant,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { grantKeyOf } from '../grant-of-account.js';
import { transportOf } from '../network/transport.js';
import { whileSpinning } from '../terminal/spinner.js';
import { styleFor } from '../terminal/style.js';
import type { LoginKind, LoginRequest, WonLogin } from './login-kind.js';
import { openBrowser } from './open-browser.js';
import { unproved } from './proof.js';

/** What `km` does: monitors, loads plugins, and speaks for the account. */
const SCOPES: readonly string[] = ['default', 'monitoring', 'plugins'];

/** In a browser, on this device or another, with a code (RFC 8628). */
export const deviceLogin: LoginKind = {
  usage: '--device',
  menu: 'in a browser, here or on another device, with a code',
  isMeant: ({ device = false }) => device,
  async win(request) {
    try {
      const login = await start(request);
      tellWhatToDo(login, request.context);
      return wonBy(await waitFor(login, request), request);
    } catch (error) {
      throw unproved(error);
    }
  },
};

/** Waits for the person's answer. A signal ends that, and what was granted in that very moment is given back. */
async function waitFor(login: DeviceLogin, { context, apiEndpoint }: LoginRequest): Promise<TokenGrant> {
  const giveUp = new AbortController();
  const signals: NodeJS.Signals[] = [];
  const stop = context.onSignal((signal) => {
    signals.push(signal);
    giveUp.abort();
  });
  const interrupted = (cause?: unknown): CliError =>
    new CliError('the login was given up; nothing was stored', {
      exitCode: 128 + constants.signals[signals[0] ?? 'SIGINT'],
      cause,
    });
  try {
    const grant = await whileSpinning('waiting for you to approve it', context, () =>
      login.wait({ signal: giveUp.signal }),
    );
    if (!giveUp.signal.aborted) return grant;
    await revokeGrant(grant, { apiEndpoint, transport: transportOf(context) });
    throw interrupted();
  } catch (error) {
    throw isAuthError(error, 'KM_AUTH_ABORTED') ? interrupted(error) : error;
  } finally {
    stop();
  }
}

async function revokeGrant({ token, refreshToken }: TokenGrant, options: RevokeTokenOptions): Promise<void> {
  if (refreshToken !== undefined) await revokeToken({ token: refreshToken, kind: 'refresh_token' }, options);
  await revokeToken({ token, kind: 'access_token' }, options);
}

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
      return await startDeviceLogin({ ...options, scopes: flags.scope ?? SCOPES });
    } catch (error) {
      if (flags.scope !== undefined || !isAuthError(error, 'KM_AUTH_INVALID_SCOPE')) throw error;
      return startDeviceLogin(options);
    }
  });
}

function tellWhatToDo(login: DeviceLogin, context: CommandContext): void {
  const { tell, environment } = context;
  const { bold } = styleFor(context.stderr(), environment);
  const { userCode, verificationUri, verificationUriComplete = verificationUri } = login;
  tell(`km: open ${bold(verificationUri)}`);
  tell(`    and enter the code ${bold(userCode)}`);
  if (verificationUriComplete !== verificationUri) tell(`    or open ${verificationUriComplete}`);
  tell(`    The code is good for ${formatDuration(login.expiresInMs)}. Ctrl-C gives up.`);
  if (openBrowser(verificationUriComplete, context)) tell('    Your browser is being opened.');
}

function wonBy(grant: TokenGrant, { context, profile, apiEndpoint }: LoginRequest): WonLogin {
  const { token, refreshToken, refreshTokenExpiresAtMs } = grant;
  const scopes = token.scopes;
  const record: GrantRecord = {
    tokens: new Map(
      [...scopes, ...(scopes.length === 0 ? SCOPES : [])].map((scope) => [scopeKey(scope), token]),
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
