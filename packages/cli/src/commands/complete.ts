import { LOGIN_SCOPES } from '@kilometers/auth';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { completeWords, type Lookups } from '../completion/complete-words.js';
import { readConfiguration } from '../config/read-configuration.js';
import { EXIT } from '../exit-code.js';
import { profileNames } from '../profiles.js';
import { readProfiles } from '../status/read-status.js';
import { openStorage } from '../token-cache.js';

/** `km __complete`, which the scripts of `km completion` ask: what may stand in the place of the last word. */
export async function runComplete(
  program: Command,
  words: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { candidates, shellHas } = await completeWords(program, words, lookupsFor(context));
  const lines = candidates.map(({ value, description }) =>
    description === undefined ? value : `${value}\t${description}`,
  );
  await context.answer(`${[...lines, `:${shellHas}`].join('\n')}\n`);
  return EXIT.done;
}

/** Who presses the tab key wants no complaints: what cannot be read has nothing in it. */
function lookupsFor(context: CommandContext): Lookups {
  const { environment } = context;
  return {
    profiles: async () => {
      try {
        const configuration = readConfiguration(environment);
        return await profileNames(configuration, environment, openStorage(context).files?.logins);
      } catch {
        return [];
      }
    },
    scopes: async (profile) => {
      try {
        const source = {
          configuration: readConfiguration(environment),
          storage: openStorage(context),
          context,
          notices: [],
        };
        const { active } = await readProfiles(profile === undefined ? {} : { profile }, source);
        return [...new Set([...LOGIN_SCOPES, ...active.scopes.map(({ scope }) => scope)])].sort();
      } catch {
        return LOGIN_SCOPES;
      }
    },
  };
}
