import { homedir } from 'node:os';
import { join } from 'node:path';

/** The variables that say where things are. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the queue is: `kilometers/queue` in `XDG_STATE_HOME`, `state/queue` in `KM_CONFIG_DIR`, or
 * `~/.local/state/kilometers/queue`. `undefined` when this user has no home.
 */
export function queueFolder(environment: Environment): string | undefined {
  const shared = environment['XDG_STATE_HOME'] ?? '';
  if (shared !== '') return join(shared, 'kilometers', 'queue');
  const own = environment['KM_CONFIG_DIR'] ?? '';
  if (own !== '') return join(own, 'state', 'queue');
  const home = (environment['HOME'] ?? '') === '' ? homeOfUser() : environment['HOME'];
  return home === undefined || home === '' ? undefined : join(home, '.local', 'state', 'kilometers', 'queue');
}

/** The home in the user database; it throws for a user that is not in it, as in many containers. */
function homeOfUser(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}
