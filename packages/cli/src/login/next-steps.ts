import { join, resolve } from 'node:path';
import { DEFAULT_PROFILE } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { isSet } from '../is-set.js';
import { claudeConfigPath, clientConfig, folderVariables } from '../monitor/client-config.js';

/** What makes a command mean `profile`, where nobody says another. */
export function profileFlags(profile: string): readonly string[] {
  return profile === DEFAULT_PROFILE ? [] : ['--profile', profile];
}

/**
 * Says what comes next. The paths are absolute: a program that was not started from a shell finds neither `km` nor `node`
 * by name.
 */
export function tellNextSteps(
  { isLoggedIn, profile }: { readonly isLoggedIn: boolean; readonly profile: string },
  { tell, bundleFolder, environment }: CommandContext,
): void {
  const flags = profileFlags(profile);
  const ofProfile = flags.map((word) => ` ${word}`).join('');
  if (!isLoggedIn) {
    if (isSet(environment, 'KILOMETERS_API_KEY'))
      tell('km: KILOMETERS_API_KEY is for this shell only: Claude Desktop, for one, does not have it');
    tell(`km: next, log in: km auth login --device${ofProfile}`);
    tell(`    or: km auth login --api-key-stdin${ofProfile} < api-key.txt`);
  }
  tell(
    'km: to monitor an MCP server, put km before its command. Claude Desktop, for one, has its servers in',
  );
  tell(`    ${claudeConfigPath(process.platform)}`);
  const configuration = clientConfig({
    client: 'claude',
    km: [process.execPath, join(bundleFolder, '../bin/km.cjs')],
    flags,
    env: folderVariables(environment, (path) => resolve(path)),
    server: ['npx', '-y', '@modelcontextprotocol/server-everything'],
  });
  for (const line of configuration.split('\n')) tell(`    ${line}`);
  tell(`km: the same for a server of yours: km monitor${ofProfile} --print-config claude -- COMMAND`);
  tell('km: whether all is well, at any time: km doctor');
}
