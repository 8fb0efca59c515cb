import {
  parseEndpoint,
  type FileCache,
  type GrantKey,
  type GrantRecord,
  type StoredLogin,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { changeConfiguration, withProfile } from '../config/change-configuration.js';
import type { ConfigurationJson, ProfileJson } from '../config/configuration.js';
import { EXIT } from '../exit-code.js';
import { grantKeyOf } from '../grant-of-account.js';
import { credentialOf } from '../settings.js';
import { openStorage } from '../token-cache.js';
import { endGrant } from './end-grant.js';
import type { WonLogin } from './login-kind.js';

/** Another process that refreshes the same login is waited for this long, in milliseconds: longer than one slow answer. */
const GRANT_TIMEOUT_MS = 120_000;
/** As long for tokens that are only a gift: without them the login is as good. */
const GIFT_TIMEOUT_MS = 5_000;

/**
 * The files that a login can be kept in.
 *
 * @throws {CliError} where there are none.
 */
export function filesForLogin(context: CommandContext): FileCache {
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
 * at any moment either the login from before is left, or this one. `signal` ends the wait for a process that refreshes.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored; {@link CliError} when `signal` ended it. Then the login
 *   from before still is, and what was won is given back.
 */
export async function keepLogin(
  won: WonLogin,
  files: FileCache,
  context: CommandContext,
  signal: AbortSignal,
): Promise<void> {
  const { login, grants } = won;
  const before = await files.logins.get(login.profile).catch(() => undefined);
  const isAllThereIs = login.kind === 'refresh_token';
  let replaced: readonly GrantRecord[] = [];
  if (isAllThereIs) {
    try {
      replaced = await keepGrants(won, files, { timeoutMs: GRANT_TIMEOUT_MS, signal });
    } catch (error) {
      for (const { record } of grants) await endGrant(record, login.apiEndpoint);
      throw error;
    }
  }
  await files.logins.set(login);
  if (!isAllThereIs)
    replaced = await keepGrants(won, files, { timeoutMs: GIFT_TIMEOUT_MS, signal }).catch(() => []);
  await noteProfile(won, context);
  for (const record of replaced) await endGrant(record, login.apiEndpoint, grants);
  if (before !== undefined) await endLoginBefore(before, won, files);
}

/** Stores what the cache gets. Returns what was there before. */
async function keepGrants(
  { grants }: WonLogin,
  files: FileCache,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<readonly GrantRecord[]> {
  const replaced: GrantRecord[] = [];
  for (const { key, record } of grants) {
    const keep = async (): Promise<boolean> => {
      await files.updateGrant(key, (current) => {
        if (current !== undefined) replaced.push(current);
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

/** The grant of the login before, where it is another one. */
async function endLoginBefore(before: StoredLogin, { grants }: WonLogin, files: FileCache): Promise<void> {
  const key = grantKeyOf({ ...credentialOf(before), ...before });
  if (grants.some((grant) => isSameKey(grant.key, key))) return;
  const removed: GrantRecord[] = [];
  const take = async (): Promise<void> => {
    await files.updateGrant(key, (current) => {
      if (current !== undefined) removed.push(current);
      return undefined;
    });
  };
  try {
    await files.withLock(key, take, { timeoutMs: GIFT_TIMEOUT_MS });
    for (const record of removed) await endGrant(record, before.apiEndpoint);
  } catch {
    // It ends by itself, and nothing finds it any more.
  }
}

function isSameKey(one: GrantKey, other: GrantKey): boolean {
  return (
    one.apiOrigin === other.apiOrigin && one.profile === other.profile && one.credential === other.credential
  );
}

/** Puts the profile in `config.json`, so that it is this endpoint that the next command talks to. */
async function noteProfile({ login, provider }: WonLogin, context: CommandContext): Promise<void> {
  await changeConfiguration(context, (json: ConfigurationJson) =>
    withProfile(json, login.profile, (settings) => {
      const isSameEndpoint =
        settings.apiEndpoint !== undefined &&
        parseEndpoint(settings.apiEndpoint).href === parseEndpoint(login.apiEndpoint).href;
      const isSameProvider = JSON.stringify(settings.provider) === JSON.stringify(provider);
      if (isSameEndpoint && isSameProvider) return settings;
      const { provider: _before, ...others } = settings;
      const after: ProfileJson = { ...others, apiEndpoint: login.apiEndpoint };
      return provider === undefined ? after : { ...after, provider };
    }),
  );
}
