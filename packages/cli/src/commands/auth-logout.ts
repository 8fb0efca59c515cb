import { endedLoginOf, expectProfileName, type EndedLogin } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { authorityOf } from '../revocation/authority-of.js';
import { TokenEndings, wordsFor } from '../revocation/end-tokens.js';
import { partWithAll, takeTokens } from '../revocation/take-tokens.js';
import { settingsFrom } from '../settings.js';
import { openStorage, tellNotices, type SharedCache } from '../token-cache.js';
import { whileSpinning } from '../terminal/spinner.js';

export type AuthLogoutFlags = { readonly profile?: string; readonly all?: boolean };

/** `km auth logout`: clears the login and all tokens, and tells the API to end them. */
export function runAuthLogout(flags: AuthLogoutFlags, context: CommandContext): Promise<number> {
  return whileSpinning('logging out', context, (spoken) => logOut(flags, spoken));
}

async function logOut(flags: AuthLogoutFlags, context: CommandContext): Promise<number> {
  const { all = false } = flags;
  if (all && flags.profile !== undefined) {
    throw new CliError('give --profile or --all, not both', { exitCode: EXIT.usage });
  }
  const { files } = openStorage(context);
  tellNotices(files, context);
  const { profile, config } = settingsFrom(flags, context.environment);
  if (!all) expectProfileName(profile.value);
  const isMeant = (of: { readonly profile: string }): boolean => all || of.profile === profile.value;
  const who = all ? 'all profiles' : `profile ${profile.value}`;

  const { ended, isAny } =
    files === undefined ? { ended: [], isAny: false } : await endLogins(files, isMeant);
  const endings = new TokenEndings((key) => authorityOf(key, ended), context);
  const taken =
    files === undefined
      ? { grants: [], isBusy: false }
      : await takeTokens({
          files,
          isMeant,
          part: partWithAll(context.clock.nowMs()),
          note: endings.note,
        }).catch((error: unknown) => {
          if (isAny) {
            context.tell(`km: ${who}: the login is over, but its tokens are still here: log out again`);
          }
          throw error;
        });
  const ending = await endings.tell();
  // One that is busy may bring another token of it. Who issued them is forgotten last: before that nobody may know yet.
  const unforgotten = taken.isBusy || files === undefined ? undefined : await forget(ended, files);
  const wasLoggedIn = isAny || taken.grants.length > 0;
  context.tell(wasLoggedIn ? `km: ${who}: logged out` : `km: ${who}: nobody was logged in`);
  const words = wordsFor(ending, taken.grants);
  if (words !== undefined) context.tell(`km: ${words}`);
  if (unforgotten !== undefined) {
    context.tell(
      `km: ${who}: who issued its tokens is still noted here, and goes with the next logout: ${unforgotten}`,
    );
  }
  if (config.apiKey !== undefined) {
    context.tell('km: KILOMETERS_API_KEY is set, and goes on working: unset it too');
  }
  if (!taken.isBusy) return EXIT.done;
  throw new CliError(
    'a refresh is under way in another process, and may bring a token yet: log out again in a minute',
    { exitCode: EXIT.tryLater },
  );
}

/**
 * Ends logins, so that nothing new is won with them. Tells of all that are over with tokens that may be left, also those of
 * a logout before this one that was killed, or failed; and whether there was any, be it one of which nothing can be kept.
 */
async function endLogins(
  files: SharedCache,
  isMeant: (of: { readonly profile: string }) => boolean,
): Promise<{ readonly ended: readonly EndedLogin[]; readonly isAny: boolean }> {
  const logins = (await files.logins.list()).filter(isMeant);
  for (const { profile } of logins) await files.logins.end(profile, endedLoginOf);
  const ended = (await files.logins.listEnded()).filter(({ grant }) => isMeant(grant));
  return { ended, isAny: logins.length > 0 || ended.length > 0 };
}

/** Forgets who issued the tokens of logins that are over; returns why not, where that fails. */
async function forget(ended: readonly EndedLogin[], { logins }: SharedCache): Promise<string | undefined> {
  try {
    for (const { grant } of ended) await logins.forget(grant);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
