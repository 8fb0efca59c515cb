import {
  DEFAULT_API_ENDPOINT,
  DEFAULT_PROFILE,
  expectProfileName,
  parseEndpoint,
  type OAuthLogin,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { changeConfiguration, profileIn, withProfile } from '../config/change-configuration.js';
import { withoutProfile, type ConfigurationJson } from '../config/configuration.js';
import { readConfiguration } from '../config/read-configuration.js';
import { EXIT } from '../exit-code.js';
import { logIn } from '../login/log-in.js';
import type { ProfileGuard } from '../login/note-profile.js';
import { profileFlags, tellNextSteps } from '../login/next-steps.js';
import { issuerOf, resolveAccount, settingsFrom, type AccountFlags } from '../settings.js';
import { isInteractive } from '../terminal/terminal.js';
import { openStorage, tellNotices } from '../token-cache.js';

export type InitFlags = AccountFlags & { readonly apiKey?: string; readonly force?: boolean };

/** `km init`: writes the configuration of a profile, and logs it in where there is a key or somebody to ask. */
export async function runInit(flags: InitFlags, context: CommandContext): Promise<number> {
  const { environment, tell } = context;
  const configuration = readConfiguration(environment);
  const settings = settingsFrom(flags, environment, configuration);
  const name = settings.profile.value;
  // What is said of another issuer is nothing to the Kilometers API.
  const { endpoint } =
    settings.own.provider === undefined
      ? settings
      : settingsFrom(flags, environment, withoutProfile(configuration, name));
  const apiEndpoint = endpoint?.value ?? DEFAULT_API_ENDPOINT;
  parseEndpoint(apiEndpoint);
  expectProfileName(name);
  const { files } = openStorage(context);
  const stored = await files?.logins.get(name);
  const isReplaced = flags.force === true;
  const isThere = configuration.profiles.has(name) || stored !== undefined;
  const issuer = issuerOf({ own: settings.own, oauth: stored?.kind === 'oauth' ? stored : undefined });
  if (!isReplaced && isThere) throw thereAlready(name, issuer);
  // A login takes minutes: what was made meanwhile is asked for again under the lock of the file.
  const guard: ProfileGuard = (json) => {
    if (!isReplaced && profileIn(json, name) !== undefined) throw thereAlready(name);
  };

  const isLoggedIn = flags.apiKey !== undefined || isInteractive(context);
  if (isLoggedIn)
    await logIn({ ...flags, profile: name, endpoint: apiEndpoint }, context, { guard, isSetUp: true });
  // A login says it by itself.
  else tellNotices(files, context);
  await changeConfiguration(context, (json) => {
    if (!isLoggedIn) guard(json);
    return initialised(json, name, { apiEndpoint, isReplaced });
  });

  tell(`km: profile ${name} is in ${configuration.path ?? ''}`);
  const { profile: active } = settingsFrom({}, environment);
  if (active.value !== name)
    tell(`km: the active profile is ${active.value}; \`km auth switch ${name}\` changes that`);
  const isStill = !isLoggedIn && stored !== undefined && (await tellLoginBefore(name, context));
  tellNextSteps({ isLoggedIn: isLoggedIn || isStill, profile: name }, context);
  return EXIT.done;
}

/** Says what became of a login that nobody has replaced; returns whether it is used. */
async function tellLoginBefore(profile: string, context: CommandContext): Promise<boolean> {
  const { files } = openStorage(context);
  // A key in the environment goes before it, and says nothing of it.
  const environment = { ...context.environment, KILOMETERS_API_KEY: '', KILOMETERS_API_ENDPOINT: '' };
  const { credential, note } = await resolveAccount({ profile }, environment, files?.logins);
  if (note !== undefined) context.tell(`km: ${note}`);
  if (credential === undefined) return false;
  const logout = ['km auth logout', ...profileFlags(profile)].join(' ');
  context.tell(`km: profile ${profile} stays logged in: \`${logout}\` ends that`);
  return true;
}

/** The profile, where it is replaced as if it had not been there; the active one, where it is the first. */
function initialised(
  json: ConfigurationJson,
  name: string,
  { apiEndpoint, isReplaced }: { readonly apiEndpoint: string; readonly isReplaced: boolean },
): ConfigurationJson {
  const isFirst = Object.keys(json.profiles ?? {}).every((other) => other === name);
  const activeProfile = json.activeProfile ?? (isFirst ? name : DEFAULT_PROFILE);
  const own = withProfile(json, name, (before) => ({ ...(!isReplaced && before), apiEndpoint }));
  return { ...own, activeProfile };
}

function thereAlready(name: string, issuer?: OAuthLogin['provider']): CliError {
  const how = issuer === undefined ? 'is there already' : `logs in at ${String(issuer['issuer'])}`;
  return new CliError(
    `profile ${name} ${how}, and stays as it is: log in with \`km auth login --profile ${name}\`, ` +
      'add another with `km init --profile NAME`, or replace it with --force',
    { exitCode: EXIT.failed },
  );
}
