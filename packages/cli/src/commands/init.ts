import { DEFAULT_API_ENDPOINT, DEFAULT_PROFILE, expectProfileName, parseEndpoint } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { changeConfiguration, profileIn, withProfile } from '../config/change-configuration.js';
import type { ConfigurationJson } from '../config/configuration.js';
import { readConfiguration } from '../config/read-configuration.js';
import { EXIT } from '../exit-code.js';
import { logIn } from '../login/log-in.js';
import type { ProfileGuard } from '../login/note-profile.js';
import { tellNextSteps } from '../login/next-steps.js';
import { issuerOf, settingsFrom, type AccountFlags } from '../settings.js';
import { isInteractive } from '../terminal/terminal.js';
import { openStorage, tellNotices } from '../token-cache.js';

export type InitFlags = AccountFlags & { readonly apiKey?: string; readonly force?: boolean };

/** `km init`: writes the configuration of a profile, and logs it in where there is a key or somebody to ask. */
export async function runInit(flags: InitFlags, context: CommandContext): Promise<number> {
  const { environment, tell } = context;
  const configuration = readConfiguration(environment);
  const { profile, endpoint, own } = settingsFrom(flags, environment, configuration);
  const name = profile.value;
  const apiEndpoint = endpoint?.value ?? DEFAULT_API_ENDPOINT;
  parseEndpoint(apiEndpoint);
  expectProfileName(name);
  const { files } = openStorage(context);
  const stored = await files?.logins.get(name);
  const issuer = issuerOf({ own, oauth: stored?.kind === 'oauth' ? stored : undefined });
  if (issuer !== undefined) throw setUpOtherwise(name, String(issuer['issuer']));
  const isReplaced = flags.force === true;
  const isThere = configuration.profiles.has(name) || stored !== undefined;
  if (!isReplaced && isThere) throw thereAlready(name);
  // A login takes minutes: what was made meanwhile is asked for again under the lock of the file.
  const guard: ProfileGuard = (json) => {
    if (!isReplaced && profileIn(json, name) !== undefined) throw thereAlready(name);
  };

  const isLoggedIn = flags.apiKey !== undefined || isInteractive(context);
  if (isLoggedIn) await logIn({ ...flags, profile: name, endpoint: apiEndpoint }, context, guard);
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
  tellNextSteps({ isLoggedIn, profile: name }, context);
  return EXIT.done;
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

function thereAlready(name: string): CliError {
  return new CliError(
    `profile ${name} is there already, and stays as it is: log in with \`km auth login --profile ${name}\`, ` +
      'add another with `km init --profile NAME`, or replace it with --force',
    { exitCode: EXIT.failed },
  );
}

/** What it is set up with is more than this command asks for. */
function setUpOtherwise(name: string, issuer: string): CliError {
  return new CliError(
    `profile ${name} logs in at ${issuer}, and stays as it is: log in with \`km auth login --profile ${name}\`, or add another with \`km init --profile NAME\``,
    { exitCode: EXIT.failed },
  );
}
