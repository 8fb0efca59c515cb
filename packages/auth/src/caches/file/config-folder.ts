import { join } from 'node:path';

/**
 * Where the configuration and the cache are: `KM_CONFIG_DIR`, or `kilometers` in `XDG_CONFIG_HOME`, or
 * `~/.config/kilometers`. `undefined` when this user has no home.
 */
export function configFolder(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const own = environment['KM_CONFIG_DIR'] ?? '';
  if (own !== '') return own;
  const shared = environment['XDG_CONFIG_HOME'] ?? '';
  if (shared !== '') return join(shared, 'kilometers');
  const home = (environment['HOME'] ?? '') === '' ? homeOfUser() : environment['HOME'];
  return home === undefined || home === '' ? undefined : join(home, '.config', 'kilometers');
}

/** The home in the user database, which few need to ask; it throws for a user that is not in it, as in many containers. */
function homeOfUser(): string | undefined {
  try {
    return process.getBuiltinModule('node:os').homedir();
  } catch {
    return undefined;
  }
}
