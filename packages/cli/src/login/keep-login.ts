import { parseEndpoint, type GrantKey, type StoredLogin } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { changeConfiguration, withProfile } from '../config/change-configuration.js';
import type { ConfigurationJson } from '../config/configuration.js';
import { EXIT } from '../exit-code.js';
import { grantKeyOfLogin } from '../grant-of-account.js';
import { authorityOf } from '../revocation/authority-of.js';
import { TokenEndings } from '../revocation/end-tokens.js';
import { partWithAll, takeTokens, type TakenGrant } from '../revocation/take-tokens.js';
import { credentialKindOf, isSameProvider } from '../settings.js';
import { openStorage, type SharedCache } from '../token-cache.js';
import type { WonLogin } from './login-kind.js';

type Grant = WonLogin['grants'][number];

/** Another process that refreshes the same login is waited for this long, in milliseconds: longer than one slow answer. */
const GRANT_TIMEOUT_MS = 120_000;
/** As long for tokens that are only a gift: without them the login is as good. */
const GIFT_TIMEOUT_MS = 5_000;

/**
 * The files that a login can be kept in.
 *
 * @throws {CliError} where there are none.
 */
export function filesForLogin(context: CommandContext): SharedCache {
  const { files, whyMemory } = openStorage(context);
  if (files !== undefined && whyMemory === undefined) return files;
  throw new CliError(
    files === undefined
      ? 'this user has no home folder, so a login could not be kept: set KM_CONFIG_DIR to a folder for it'
      : 'KM_NO_TOKEN_CACHE is set, so a login could not be kept: unset it, or use KILOMETERS_API_KEY',
    { exitCode: EXIT.failed },
  );
}

/**
 * Stores what was won, in the place of what the profile had, and ends that. What must not be lost goes first: of a kill
 * at any moment either the login from before is left, or this one; of two logins at once, the one that is stored last,
 * and it ends the other. `signal` ends the wait for a process that refreshes.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored; {@link CliError} when `signal` ended it. Then the login
 *   from before still is, and what was won is given back.
 */
export async function keepLogin(
  won: WonLogin,
  files: SharedCache,
  context: CommandContext,
  signal: AbortSignal,
): Promise<void> {
  const { login } = won;
  const known = [login];
  const endings = new TokenEndings((key) => authorityOf(key, known), context);
  const isAllThereIs = credentialKindOf(login) === 'refresh_token';
  let replaced: readonly Grant[] = [];
  if (isAllThereIs) {
    try {
      replaced = await keepGrants(won, files, { timeoutMs: GRANT_TIMEOUT_MS, signal });
    } catch (error) {
      for (const grant of won.grants) await endings.note(tokensOf(grant));
      await endings.tell();
      throw error;
    }
  }
  const before = await files.logins.set(login);
  if (before !== undefined) known.push(before);
  if (!isAllThereIs)
    replaced = await keepGrants(won, files, { timeoutMs: GIFT_TIMEOUT_MS, signal }).catch(() => []);
  await noteProfile(won, context);
  const kept = new Set(
    won.grants.flatMap((grant) => tokensOf(grant).tokens.map(({ token }) => token.reveal())),
  );
  for (const { key, tokens } of replaced.map(tokensOf)) {
    const over = tokens.filter(({ token }) => !kept.has(token.reveal()));
    if (over.length > 0) await endings.note({ key, tokens: over });
  }
  if (before !== undefined) await takeLoginBefore(before, won, files, endings);
  await endings.tell();
}

function tokensOf({ key, record }: Grant): TakenGrant {
  return { key, tokens: partWithAll(record).taken };
}

/** Stores what the cache gets. Returns what was there before. */
async function keepGrants(
  { grants }: WonLogin,
  files: SharedCache,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<readonly Grant[]> {
  const replaced: Grant[] = [];
  for (const { key, record } of grants) {
    const keep = async (): Promise<boolean> => {
      await files.updateGrant(key, (current) => {
        if (current !== undefined) replaced.push({ key, record: current });
        return record;
      });
      return true;
    };
    const isKept = await files.withLock(key, keep, {
      timeoutMs,
      unless: () => Promise.resolve(signal.aborted ? false : undefined),
    });
    if (!isKept) throw new CliError('the login was given up; nothing was stored', { exitCode: 130 });
  }
  return replaced;
}

/** Takes what the login before had, where that is not what this one has. */
async function takeLoginBefore(
  before: StoredLogin,
  { grants }: WonLogin,
  files: SharedCache,
  endings: TokenEndings,
): Promise<void> {
  const idOf = ({ apiOrigin, profile, credential }: GrantKey): string =>
    JSON.stringify([apiOrigin, profile, credential]);
  const id = idOf(grantKeyOfLogin(before));
  if (grants.some(({ key }) => idOf(key) === id)) return;
  await takeTokens({
    files,
    isMeant: (key) => idOf(key) === id,
    part: partWithAll,
    note: endings.note,
  }).catch(
    // What stays ends by itself, and nothing finds it any more.
    () => undefined,
  );
}

/** Puts the profile in `config.json`, so that it is this endpoint that the next command talks to. */
async function noteProfile({ login, provider }: WonLogin, context: CommandContext): Promise<void> {
  await changeConfiguration(context, (json: ConfigurationJson) =>
    withProfile(json, login.profile, (settings) => {
      // Where the tokens of another issuer go is told by its own address, unless another one was given.
      const { apiEndpoint, ...issuers } = settings;
      const wanted = login.apiEndpoint === provider?.issuer ? undefined : login.apiEndpoint;
      const hrefOf = (url: string | undefined): string | undefined =>
        url === undefined ? undefined : parseEndpoint(url).href;
      const isSame = hrefOf(apiEndpoint) === hrefOf(wanted) && isSameProvider(settings.provider, provider);
      if (isSame) return settings;
      const { provider: _before, ...others } = issuers;
      return {
        ...others,
        ...(wanted !== undefined && { apiEndpoint: wanted }),
        ...(provider !== undefined && { provider }),
      };
    }),
  );
}
