import { chmodSync, constants, accessSync, lstatSync, readdirSync, rmSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { failed, messageOf, ok, warning, type HealthCheck } from './health-check.js';

/** What nobody else may read. The folder comes first: who cannot enter it reads nothing in it. */
const PRIVATE = ['', '.auth_cache', '.credentials', '.cache_key', 'config.json', '.discovery'] as const;
/** What was had from an issuer, and can be had again. Nothing in it shows whether others have changed it. */
const REPLACEABLE = '.discovery';

type Finding = { readonly path: string; readonly stats: Stats };

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/**
 * Whether the files are this user's, and nobody else's to read. With `isFixing`, modes that let others in are narrowed;
 * an owner is for an administrator to change.
 */
export function permissionChecks(
  folder: string | undefined,
  { isFixing, isKeptElsewhere }: { readonly isFixing: boolean; readonly isKeptElsewhere: boolean },
  userId: number | undefined = process.getuid?.(),
): readonly HealthCheck[] {
  if (folder === undefined)
    return [warning('permissions', 'this user has no home, so nothing is kept', 'set KM_CONFIG_DIR')];
  const itself = statsOf(folder);
  if (itself === undefined) {
    const [cannot] = unwritable(nearestAbove(folder), folder);
    if (cannot === undefined) return [ok('permissions', `${folder} is not there yet`)];
    // Where tokens are kept elsewhere nothing need be kept there.
    return [isKeptElsewhere ? { ...cannot, state: 'warning' } : cannot];
  }
  const target = itself.isSymbolicLink() ? undefined : itself;
  if (target !== undefined && !target.isDirectory())
    return [failed('permissions', `${folder} is not a folder`, 'move it away, or set KM_CONFIG_DIR')];
  if (userId === undefined) return [ok('permissions', folder)];

  const found = PRIVATE.map((name) => join(folder, name)).flatMap((path): Finding[] => {
    const stats = statsOf(path);
    return stats === undefined || stats.isSymbolicLink() ? [] : [{ path, stats }];
  });
  const checks = [
    ...found.filter(({ stats }) => stats.uid !== userId).map((finding) => foreign(finding, userId)),
    ...found
      .filter(({ stats }) => stats.uid === userId && (stats.mode & 0o077) !== 0)
      .map((finding) => tooWide(finding, isFixing)),
    ...unwritable(folder, folder),
  ];
  return checks.length > 0 ? checks : [ok('permissions', `${folder} is for this user only`)];
}

function foreign({ path, stats }: Finding, userId: number): HealthCheck {
  const detail = `${path} belongs to user ${stats.uid}, and this is user ${userId}`;
  return failed('permissions', detail, `sudo chown ${userId} ${path}`);
}

function tooWide({ path, stats }: Finding, isFixing: boolean): HealthCheck {
  const before = (stats.mode & 0o777).toString(8);
  const mode = stats.isDirectory() ? 0o700 : 0o600;
  const after = mode.toString(8);
  if (!isFixing)
    return warning('permissions', `other users can get at ${path} (mode ${before})`, 'run km doctor --fix');
  try {
    if (basename(path) === REPLACEABLE) {
      rmSync(path);
      return ok('permissions', `${path} had mode ${before}, and was removed: others could have changed it`);
    }
    chmodSync(path, mode);
    return ok('permissions', `${path} had mode ${before}, and has ${after} now`);
  } catch (error) {
    return failed('permissions', `mode ${before} stays: ${messageOf(error)}`, `chmod ${after} ${path}`);
  }
}

/** The nearest folder above one that is not there. */
function nearestAbove(folder: string): string {
  const above = dirname(folder);
  return above === folder || statsOf(above) !== undefined ? above : nearestAbove(above);
}

/** A refresh that cannot be stored is done again by every process; `folder` is made in `parent`, where it is not there. */
function unwritable(parent: string, folder: string): readonly HealthCheck[] {
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
    if (parent === folder) readdirSync(folder);
    return [];
  } catch (error) {
    const remedy = 'make it writable for this user, or set KM_CONFIG_DIR to a folder that is';
    return [failed('permissions', `${folder} cannot be used: ${messageOf(error)}`, remedy)];
  }
}
