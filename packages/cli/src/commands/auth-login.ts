import {
  createAuthManager,
  createMemoryCache,
  decodeClaims,
  DEFAULT_API_ENDPOINT,
  isAuthError,
  parseEndpoint,
  Secret,
  type AuthManagerConfig,
  type FileCache,
  type StoredLogin,
  type TokenCache,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT, exitCodeFor } from '../exit-code.js';
import { tellEvents } from '../open-auth-manager.js';
import { readSecret } from '../read-secret.js';
import { settingsFrom, type AccountFlags } from '../settings.js';
import { openStorage } from '../token-cache.js';

export type AuthLoginFlags = AccountFlags & {
  readonly apiKeyStdin?: boolean;
  readonly clientId?: string;
  readonly clientSecretStdin?: boolean;
  readonly scope: string;
};

/** Another process that refreshes the same login is waited for this long, in milliseconds. */
const KEEP_TIMEOUT_MS = 5_000;

type Credential =
  | Pick<StoredLogin & { kind: 'api_key' }, 'kind' | 'apiKey'>
  | Pick<StoredLogin & { kind: 'client_credentials' }, 'kind' | 'clientId' | 'clientSecret'>;

/** `km auth login`: proves a credential by getting a token with it, and only then stores it. */
export async function runAuthLogin(flags: AuthLoginFlags, context: CommandContext): Promise<number> {
  const { clock, environment, tell } = context;
  const { profile, endpoint } = settingsFrom(flags, environment);
  const apiEndpoint = endpoint?.value ?? DEFAULT_API_ENDPOINT;
  const origin = parseEndpoint(apiEndpoint).origin;
  const files = filesToKeepItIn(context);
  const credential = await readCredential(flags, context);

  // A token in the shared cache would prove nothing, and a credential that is refused leaves nothing there.
  const proof = createMemoryCache({ clock });
  const subject = await prove(flags.scope, context, {
    ...configOf(credential),
    apiEndpoint,
    profile: profile.value,
    cache: proof,
  });
  await files.logins.set({ profile: profile.value, apiEndpoint, atMs: clock.nowMs(), ...credential });
  await keepTokens(proof, files);

  tell(`km: profile ${profile.value} is logged in to ${origin}${subject}`);
  if (credential.kind === 'api_key' && settingsFrom({}, environment).config.apiKey !== undefined) {
    tell('km: KILOMETERS_API_KEY is set, and goes before this login: unset it to use the login');
  }
  return EXIT.done;
}

function filesToKeepItIn(context: CommandContext): FileCache {
  const { files, whyMemory } = openStorage(context);
  if (files !== undefined && whyMemory === undefined) return files;
  throw new CliError(
    files === undefined
      ? 'this user has no home folder, so a login could not be kept: set KM_CONFIG_DIR to a folder for it'
      : 'KM_NO_TOKEN_CACHE is set, so a login could not be kept: unset it, or use KILOMETERS_API_KEY',
    { exitCode: EXIT.failed },
  );
}

async function readCredential(flags: AuthLoginFlags, context: CommandContext): Promise<Credential> {
  const { clientId, clientSecretStdin = false, apiKeyStdin = false } = flags;
  const isClient = clientId !== undefined || clientSecretStdin;
  if (isClient && apiKeyStdin) throw usage('give an API key or client credentials, not both');
  if (isClient && (clientId === undefined || clientId === '' || !clientSecretStdin)) {
    throw usage('client credentials are two: give --client-id ID and --client-secret-stdin');
  }
  const input = context.stdin();
  if (!isClient && !apiKeyStdin && !('isTTY' in input && input.isTTY === true)) {
    throw usage('say how to log in: --api-key-stdin, or --client-id ID --client-secret-stdin');
  }
  const read = (what: string): Promise<string> =>
    readSecret({ what, input, clock: context.clock, prompt: context.prompt });
  if (clientId === undefined) return { kind: 'api_key', apiKey: new Secret(await read('API key')) };
  return { kind: 'client_credentials', clientId, clientSecret: new Secret(await read('client secret')) };
}

function usage(message: string): CliError {
  return new CliError(`${message}; see km auth login --help`, { exitCode: EXIT.usage });
}

function configOf(credential: Credential): AuthManagerConfig {
  if (credential.kind === 'api_key') return { apiKey: credential.apiKey };
  const { clientId, clientSecret } = credential;
  return { clientCredentials: { clientId, clientSecret } };
}

/** Gets a token. Says whose it is, in words. */
async function prove(scope: string, context: CommandContext, config: AuthManagerConfig): Promise<string> {
  const { clock, random, environment } = context;
  const manager = createAuthManager({
    ...settingsFrom({}, environment).config,
    apiKey: undefined,
    ...config,
    clock,
    random,
  });
  tellEvents(manager, context);
  try {
    const claims = decodeClaims(await manager.getValidToken(scope));
    const who = printable(claims?.subject);
    const tier = printable(claims?.tier);
    return `${who === undefined ? '' : ` as ${who}`}${tier === undefined ? '' : ` (tier ${tier})`}`;
  } catch (error) {
    // What says "log in" is left out: that is what was tried.
    const shown =
      isAuthError(error, 'KM_AUTH_LOGIN_REQUIRED') && isAuthError(error.cause) ? error.cause : error;
    if (!isAuthError(shown)) throw error;
    throw new CliError(`${shown.message}; nothing was stored`, {
      exitCode: exitCodeFor(error),
      cause: error,
    });
  } finally {
    await manager.stop();
  }
}

/** What a server wrote, fit for a terminal. */
function printable(text: string | undefined): string | undefined {
  const clean = text
    ?.replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 80);
  return clean === '' ? undefined : clean;
}

/** Puts the tokens of the proof where every process finds them. They are a gift: without them the login is as good. */
async function keepTokens(proof: TokenCache, files: TokenCache): Promise<void> {
  for (const key of await proof.listGrants()) {
    const record = await proof.getGrant(key);
    await files
      .withLock(key, () => files.updateGrant(key, () => record), { timeoutMs: KEEP_TIMEOUT_MS })
      .catch(() => undefined);
  }
}
