import {
  configOfLogin,
  createAuthManager,
  createKilometersProvider,
  createMemoryCache,
  isAuthError,
  type StoredLogin,
  type TokenCache,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { exitCodeFor } from '../exit-code.js';
import { transportOf } from '../network/transport.js';
import { tellEvents } from '../open-auth-manager.js';
import { commandFor } from '../settings.js';
import { whileSpinning } from '../terminal/spinner.js';
import type { LoginRequest, WonLogin } from './login-kind.js';

/** What a token that only proves something is for. */
const PROOF_SCOPES: readonly string[] = ['monitoring'];

/** A credential, and not yet whose. */
export type BareCredential =
  | Pick<StoredLogin & { kind: 'api_key' }, 'kind' | 'apiKey'>
  | Pick<StoredLogin & { kind: 'client_credentials' }, 'kind' | 'clientId' | 'clientSecret'>;

/**
 * Proves a credential by getting a token with it.
 *
 * @throws {CliError} when there is none to be had.
 */
export async function proveCredential(credential: BareCredential, request: LoginRequest): Promise<WonLogin> {
  const { context, settings, profile, apiEndpoint, flags } = request;
  const { clock, random } = context;
  const { requestTimeoutMs } = settings.config;
  const login: StoredLogin = { profile, apiEndpoint, atMs: clock.nowMs(), ...credential };
  // A token in the shared cache would prove nothing, and a credential that is refused leaves nothing there.
  const cache = createMemoryCache({ clock });
  const token = await whileSpinning('getting a token', context, async (spoken) => {
    const manager = createAuthManager({
      ...settings.config,
      apiKey: undefined,
      ...configOfLogin(login, commandFor('km auth login', settings)),
      apiEndpoint,
      profile,
      cache,
      clock,
      random,
      provider: createKilometersProvider({
        apiEndpoint,
        clock,
        transport: transportOf(context),
        ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
      }),
    });
    tellEvents(manager, spoken);
    try {
      return await manager.getValidToken(flags.scope ?? PROOF_SCOPES);
    } catch (error) {
      throw unproved(error);
    } finally {
      await manager.stop();
    }
  });
  return { login, token, grants: await grantsIn(cache) };
}

/** What a cache has. */
export async function grantsIn(cache: TokenCache): Promise<WonLogin['grants']> {
  const keys = await cache.listGrants();
  const grants = await Promise.all(keys.map(async (key) => ({ key, record: await cache.getGrant(key) })));
  return grants.flatMap(({ key, record }) => (record === undefined ? [] : [{ key, record }]));
}

/** The failure, and that it changed nothing. */
export function unproved(error: unknown): unknown {
  // What says "log in" is left out: that is what was tried.
  const shown =
    isAuthError(error, 'KM_AUTH_LOGIN_REQUIRED') && isAuthError(error.cause) ? error.cause : error;
  if (!isAuthError(shown)) return error;
  return new CliError(`${shown.message}; nothing was stored`, {
    exitCode: exitCodeFor(shown),
    cause: error,
  });
}
