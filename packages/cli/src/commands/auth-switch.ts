import { DEFAULT_PROFILE, expectProfileName } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { changeConfiguration } from '../config/change-configuration.js';
import { readConfiguration } from '../config/read-configuration.js';
import { EXIT } from '../exit-code.js';
import { profileNames } from '../profiles.js';
import { settingsFrom } from '../settings.js';
import { askChoice } from '../terminal/ask.js';
import { isInteractive } from '../terminal/terminal.js';
import { openStorage, tellNotices } from '../token-cache.js';

/** `km auth switch`: makes a profile the active one. */
export async function runAuthSwitch(wanted: string | undefined, context: CommandContext): Promise<number> {
  const { environment, tell } = context;
  const { files } = openStorage(context);
  tellNotices(files, context);
  const configuration = readConfiguration(environment);
  const names = await profileNames(configuration, environment, files?.logins);
  const name = wanted ?? (await ask(names, context));
  if (!names.includes(name) && name !== DEFAULT_PROFILE) {
    throw new CliError(
      `there is no profile ${JSON.stringify(name)}, only ${names.join(', ')}; \`km auth login --profile NAME\` makes one`,
      { exitCode: EXIT.failed },
    );
  }
  // KM_PROFILE can make a profile the active one, and so exist, whose name config.json may not have.
  expectProfileName(name);
  await changeConfiguration(context, (json) =>
    json.activeProfile === name ? json : { ...json, activeProfile: name },
  );
  tell(`km: the active profile is ${name}`);
  const { profile } = settingsFrom({}, environment);
  if (profile.source === 'environment')
    tell(`km: KM_PROFILE is set to ${profile.value}, and goes before it: unset it to use ${name}`);
  return EXIT.done;
}

async function ask(names: readonly string[], context: CommandContext): Promise<string> {
  if (!isInteractive(context)) {
    throw new CliError(`say which profile: km auth switch NAME; there is ${names.join(', ')}`, {
      exitCode: EXIT.usage,
    });
  }
  const index = await askChoice('Which profile?', names, context);
  const name = index === undefined ? undefined : names[index];
  if (name === undefined) throw new CliError('nothing was done', { exitCode: 130 });
  return name;
}
