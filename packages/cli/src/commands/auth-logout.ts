import {
  revokeToken,
  type FileCache,
  type GrantKey,
  type GrantRecord,
  type RevocableToken,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { settingsFrom } from '../settings.js';
import { openStorage } from '../token-cache.js';

export type AuthLogoutFlags = { readonly profile?: string; readonly all?: boolean };

/** A refresh that was sent is waited for this long, in milliseconds, so that its answer does not outlive the login. */
const LOCK_TIMEOUT_MS = 15_000;

/** What was taken out of the cache. */
type Removed = { readonly key: GrantKey; readonly record: GrantRecord };

/** `km auth logout`: clears the login and all tokens, and tells the API to end them. */
export async function runAuthLogout(flags: AuthLogoutFlags, context: CommandContext): Promise<number> {
  const { all = false } = flags;
  if (all && flags.profile !== undefined) {
    throw new CliError('give --profile or --all, not both', { exitCode: EXIT.usage });
  }
  const { files } = openStorage(context);
  const { profile, config } = settingsFrom(flags, context.environment);
  const isMeant = (name: string): boolean => all || name === profile.value;
  const who = all ? 'all profiles' : `profile ${profile.value}`;

  // First the login, so that nothing new is won with it.
  const logins = ((await files?.logins.list()) ?? []).filter((login) => isMeant(login.profile));
  for (const login of logins) await files?.logins.remove(login.profile);
  const removed = files === undefined ? [] : await removeGrants(files, isMeant);

  const endpoints = new Map(logins.map(({ apiEndpoint }) => [new URL(apiEndpoint).origin, apiEndpoint]));
  const untold = await revokeAll(removed, (origin) => endpoints.get(origin) ?? origin);
  const wasLoggedIn = logins.length > 0 || removed.length > 0;
  context.tell(wasLoggedIn ? `km: ${who}: logged out` : `km: ${who}: nobody was logged in`);
  for (const origin of untold) {
    context.tell(
      `km: ${origin} could not be told: the tokens are gone from here, and end there by themselves`,
    );
  }
  if (config.apiKey !== undefined) {
    context.tell('km: KILOMETERS_API_KEY is set, and goes on working: unset it too');
  }
  return EXIT.done;
}

async function removeGrants(
  files: FileCache,
  isMeant: (profile: string) => boolean,
): Promise<readonly Removed[]> {
  const removed: Removed[] = [];
  for (const key of await files.listGrants()) {
    if (!isMeant(key.profile)) continue;
    const take = async (): Promise<void> => {
      await files.updateGrant(key, (record) => {
        if (record !== undefined) removed.push({ key, record });
        return undefined;
      });
    };
    await files.withLock(key, take, { timeoutMs: LOCK_TIMEOUT_MS });
  }
  return removed;
}

/** Ends tokens at their APIs, refresh tokens first. Returns the origins that could not be told. */
async function revokeAll(
  removed: readonly Removed[],
  endpointOf: (origin: string) => string,
): Promise<ReadonlySet<string>> {
  const untold = new Set<string>();
  for (const { key, record } of removed) {
    const tokens: RevocableToken[] = [
      ...(record.refreshToken === undefined
        ? []
        : [{ token: record.refreshToken.secret, kind: 'refresh_token' as const }]),
      ...[...record.tokens.values()].map((token) => ({ token, kind: 'access_token' as const })),
    ];
    for (const token of tokens) {
      // Who did not answer once is not waited for again.
      if (untold.has(key.apiOrigin)) break;
      const isTold = await revokeToken(token, { apiEndpoint: endpointOf(key.apiOrigin) });
      if (!isTold) untold.add(key.apiOrigin);
    }
  }
  return untold;
}
