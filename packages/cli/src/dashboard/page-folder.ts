import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { livenessOf, ownIdentity, parseIdentity } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { homeFolder } from '../home-folder.js';

const PREFIX = 'km-dashboard-';
const NAME = /^km-dashboard-\w+$/;
const OWNER = 'owner.json';
/** A folder whose process nobody here can judge is left alone for a day, in milliseconds. */
const LONGEST_UNKNOWN_MS = 86_400_000;

/**
 * Makes a folder that only this user can open, for the page that leads a browser to a dashboard.
 *
 * @throws {Error} where it cannot be made.
 */
export function makePageFolder(environment: NodeJS.ProcessEnv): string {
  const parent = parentFor(environment);
  if (parent === undefined) throw new Error('this user has no home folder');
  return mkdtempSync(join(parent, PREFIX));
}

/** Puts `page` into that folder, beside the name of this process. Returns its path. */
export function writePage(folder: string, page: string): string {
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    return path;
  };
  write(OWNER, JSON.stringify(ownIdentity()));
  return write('open.html', page);
}

/** Removes the folders of dashboards that were killed: nobody else does. */
export function sweepPageFolders({
  environment,
  clock,
}: Pick<CommandContext, 'environment' | 'clock'>): void {
  const parent = parentFor(environment);
  if (parent === undefined) return;
  for (const name of namesIn(parent)) {
    const folder = join(parent, name);
    try {
      if (isLeftBehind(folder, clock.nowMs())) rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another dashboard was faster, or it is no folder of ours.
    }
  }
}

function namesIn(parent: string): readonly string[] {
  try {
    return readdirSync(parent).filter((name) => NAME.test(name));
  } catch {
    return [];
  }
}

/** Only what names a process is a folder of a dashboard, and only of this user's. */
function isLeftBehind(folder: string, nowMs: number): boolean {
  const { uid, mtimeMs } = lstatSync(folder);
  if (process.getuid !== undefined && uid !== process.getuid()) return false;
  const owner = parseIdentity(JSON.parse(readFileSync(join(folder, OWNER), 'utf8')));
  if (owner === undefined) return false;
  const liveness = livenessOf(owner);
  return liveness === 'dead' || (liveness === 'unknown' && nowMs - mtimeMs > LONGEST_UNKNOWN_MS);
}

/**
 * Where on Linux a browser in a snap or a flatpak can read, too: neither in a hidden folder, as the configuration is in,
 * nor in `/tmp`. Elsewhere the folder of temporary files is each user's own. `undefined` for a user without a home.
 */
function parentFor(environment: NodeJS.ProcessEnv): string | undefined {
  if (process.platform === 'darwin' || process.platform === 'win32') return tmpdir();
  return homeFolder(environment);
}
