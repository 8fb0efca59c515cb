import { expectProfileName } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { authorityOf } from '../revocation/authority-of.js';
import { TokenEndings, wordsFor } from '../revocation/end-tokens.js';
import { partWithAll, takeTokens } from '../revocation/take-tokens.js';
import { settingsFrom } from '../settings.js';
import { openStorage, tellNotices } from '../token-cache.js';
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

  // First the login, so that nothing new is won with it.
  const logins = ((await files?.logins.list()) ?? []).filter(isMeant);
  for (const login of logins) await files?.logins.remove(login.profile);
  const endings = new TokenEndings((key) => authorityOf(key, logins), context);
  const taken =
    files === undefined
      ? { grants: [], isBusy: false }
      : await takeTokens({ files, isMeant, part: partWithAll(context.clock.nowMs()), note: endings.note });
  const ending = await endings.tell();
  const wasLoggedIn = logins.length > 0 || taken.grants.length > 0;
  context.tell(wasLoggedIn ? `km: ${who}: logged out` : `km: ${who}: nobody was logged in`);
  const words = wordsFor(ending, taken.grants);
  if (words !== undefined) context.tell(`km: ${words}`);
  if (config.apiKey !== undefined) {
    context.tell('km: KILOMETERS_API_KEY is set, and goes on working: unset it too');
  }
  if (!taken.isBusy) return EXIT.done;
  throw new CliError(
    'a refresh is under way in another process, and may bring a token yet: log out again in a minute',
    { exitCode: EXIT.tryLater },
  );
}
