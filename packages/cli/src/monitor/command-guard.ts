import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';
import { withoutOwnSecrets } from '../own-secrets.js';

/** How many monitors may run inside one another. */
const MAX_DEPTH = 4;
/** Tells a monitor how many it runs inside of. */
const DEPTH = 'KM_MONITOR_DEPTH';

/**
 * The environment of the server: this process's own, without the secrets of `km` unless it is to have them.
 *
 * @throws {CliError} when monitors run inside one another deeper than anybody can mean.
 */
export function serverEnvironment(
  environment: NodeJS.ProcessEnv,
  { passesSecrets }: { readonly passesSecrets: boolean },
): NodeJS.ProcessEnv {
  const depth = Number(environment[DEPTH] ?? 0) || 0;
  if (depth >= MAX_DEPTH) {
    throw new CliError(
      `${depth} of km monitor run inside one another: the command it is to run seems to start km monitor again; give the server's own command after "--"`,
      { exitCode: EXIT.usage },
    );
  }
  const result = { ...environment, [DEPTH]: String(depth + 1) };
  return passesSecrets ? result : withoutOwnSecrets(result);
}
