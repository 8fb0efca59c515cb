import {
  decodeClaims,
  DEFAULT_API_ENDPOINT,
  expectProfileName,
  formatDuration,
  parseEndpoint,
} from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { expectChangeable } from '../config/change-configuration.js';
import { withoutProfile } from '../config/configuration.js';
import { readConfiguration } from '../config/read-configuration.js';
import { settingsFrom, withIssuerOf, type Settings } from '../settings.js';
import { fold } from '../terminal/fold.js';
import { printable } from '../terminal/printable.js';
import { whileSpinning } from '../terminal/spinner.js';
import { widthOf } from '../terminal/terminal.js';
import { tellNotices } from '../token-cache.js';
import { accountFeatures } from './account-features.js';
import { askedScopes } from './asked-scopes.js';
import { chooseLogin } from './choose-login.js';
import { filesForLogin, keepLogin } from './keep-login.js';
import { ISSUER_FLAGS } from './issuer-flags.js';
import type { AuthLoginFlags, IssuerFlags, WonLogin } from './login-kind.js';
import { withNote, type ProfileGuard } from './note-profile.js';
import { wrongUsage } from './wrong-usage.js';

export type LogInOptions = {
  /** Is asked once the login is won, before anything is stored. */
  readonly guard?: ProfileGuard;
  /**
   * Whether the profile is being set up: what `config.json` says of it is as good as gone, and which one is active is told
   * by who does that.
   */
  readonly isSetUp?: boolean;
};

/**
 * Logs a profile in: asks how where that is needed, proves it by a real token, and only then stores it.
 *
 * @throws {CliError} or {@link AuthError} when it does not work out; then the login from before is as it was.
 */
export async function logIn(
  asGiven: AuthLoginFlags,
  context: CommandContext,
  { guard = () => undefined, isSetUp = false }: LogInOptions = {},
): Promise<void> {
  const flags = { ...asGiven, scope: askedScopes(asGiven.scope) };
  if (flags.web === true && flags.device === true)
    throw wrongUsage('--web and --device are two ways to log in: give one, not both');
  const configuration = readConfiguration(context.environment);
  const counting = isSetUp ? withoutProfile(configuration, flags.profile) : configuration;
  const given = settingsFrom(flags, context.environment, counting);
  const profile = given.profile.value;
  // In config.json another name would be a flaw, for every command.
  expectProfileName(profile);
  const apiEndpoint = given.endpoint?.value ?? DEFAULT_API_ENDPOINT;
  parseEndpoint(apiEndpoint);
  const files = filesForLogin(context);
  const stopTelling = tellNotices(files, context);
  // A login that ended is made again where it was made, on whichever machine of a fleet.
  const settings = withIssuerOf(await files.logins.get(profile), given);
  const isElsewhere = flags.issuer !== undefined || settings.own.provider !== undefined;
  if (!isElsewhere) refuseIssuerFlags(flags);
  const elsewhere = isElsewhere ? await import('../oauth/issuer-login.js') : undefined;
  const giveUp = new AbortController();
  let stopListening: (() => void) | undefined;
  const onWon = (): void => {
    stopListening ??= context.onSignal((signal) => giveUp.abort(signal));
  };
  const request = { flags, context, settings, profile, apiEndpoint, onWon };
  const note = elsewhere?.issuerNote(request) ?? { login: { profile, apiEndpoint } };
  // Nobody is asked for what could not be kept then.
  expectChangeable(context, (json) => withNote(json, note));
  const kind = elsewhere?.issuerLogin ?? (await chooseLogin(flags, context));
  let won: WonLogin;
  try {
    won = await kind.win(request);
    // From here on a signal ends no write.
    onWon();
    await whileSpinning('storing the login', context, (spoken) => {
      stopTelling();
      tellNotices(files, spoken);
      return keepLogin(won, spoken, { files, signal: giveUp.signal, guard });
    });
  } finally {
    stopListening?.();
  }
  if (elsewhere === undefined) await tellAccount(won, context);
  else elsewhere.tellIssuerLogin(won, context);
  tellWhatGoesBefore(won, settings, context);
  if (!isSetUp) tellActive(settings, context);
}

/** What only another issuer has would be ignored in silence. */
function refuseIssuerFlags(flags: AuthLoginFlags): void {
  const given = Object.entries(ISSUER_FLAGS).find(([flag]) => flags[flag as keyof IssuerFlags] !== undefined);
  if (given === undefined) return;
  const [, written] = given;
  throw wrongUsage(`${written} is for another issuer than the Kilometers API: give --issuer, too`);
}

/** Says whose login it is and what it may do. */
async function tellAccount({ login, token, grants }: WonLogin, context: CommandContext): Promise<void> {
  const { apiEndpoint, profile } = login;
  const account = await whileSpinning('asking what this account may use', context, () =>
    accountFeatures(token, apiEndpoint, context),
  );
  const claims = decodeClaims(token);
  const who = printable(claims?.subject);
  const tier = account?.tier ?? printable(claims?.tier);
  const subject = `${who === undefined ? '' : ` as ${who}`}${tier === undefined ? '' : ` (tier ${tier})`}`;
  context.tell(`km: profile ${profile} is logged in to ${parseEndpoint(apiEndpoint).origin}${subject}`);
  const features = account?.features ?? [];
  if (features.length > 0) {
    const width = widthOf(context.stderr());
    const lines = fold(`features: ${features.join(', ')}`, { width, indent: 4, hanging: 6 });
    for (const line of lines) context.tell(line);
  }
  const isForNow =
    login.kind === 'refresh_token' && grants.every(({ record }) => record.refreshToken === undefined);
  if (isForNow) {
    const left = formatDuration(token.remainingMs(context.clock.nowMs()));
    context.tell(`km: the API gave no refresh token: this login ends in ${left}`);
  }
}

/** Says what keeps this login from being used. */
function tellWhatGoesBefore({ login }: WonLogin, { config }: Settings, context: CommandContext): void {
  if (config.apiKey !== undefined && login.kind !== 'oauth')
    context.tell('km: KILOMETERS_API_KEY is set, and goes before this login: unset it to use the login');
}

function tellActive({ profile }: Settings, context: CommandContext): void {
  const active = settingsFrom({}, context.environment).profile.value;
  if (profile.source === 'flag' && active !== profile.value)
    context.tell(`km: the active profile is ${active}; \`km auth switch ${profile.value}\` changes that`);
}
