import { homedir } from 'node:os';

/** This user's home; `undefined` for one that has none. */
export function homeFolder({ HOME = '' }: Readonly<Record<string, string | undefined>>): string | undefined {
  const home = HOME === '' ? homeInDatabase() : HOME;
  return home === '' ? undefined : home;
}

/** Node throws for a user that is not in it, as in many containers. */
function homeInDatabase(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}
