import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Where the files of a login are. */
export function configFolderOf(env: Readonly<Record<string, string>>): string {
  return join(env['HOME'] ?? '', '.config', 'kilometers');
}

/** What `read` gives, or `undefined` when what it reads is not there, or not any more. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The process that holds the lock of the login, as its lock says. */
export function ownerPid(env: Readonly<Record<string, string>>): number | undefined {
  const locks = join(configFolderOf(env), '.locks');
  for (const name of attempt(() => readdirSync(locks)) ?? []) {
    if (name === 'files') continue;
    const head = attempt(() => readdirSync(join(locks, name)))
      ?.filter((file) => /^\d+$/.test(file))
      .sort()
      .at(-1);
    const pid = attempt(
      () => JSON.parse(readFileSync(join(locks, name, head ?? ''), 'utf8')) as { pid: number },
    );
    if (pid !== undefined) return pid.pid;
  }
  return undefined;
}

/** Waits, looking at every moment without taking a core for it, until another process than `before` holds the lock. */
export async function nextOwner(
  env: Readonly<Record<string, string>>,
  before: number | undefined,
  isOver: () => boolean,
): Promise<number | undefined> {
  while (!isOver()) {
    const pid = ownerPid(env);
    if (pid !== undefined && pid !== before) return pid;
    await delay(1);
  }
  return undefined;
}
