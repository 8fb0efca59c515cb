import { chmodSync, constants, accessSync, lstatSync, readdirSync, rmSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../message-of.js';
import { failed, ok, warning, type HealthCheck } from './health-check.js';

/** Folders of this user's; `undefined` where there is no home for them. */
export type OwnFolders = {
  /** Of settings, logins and tokens. */
  readonly config: string | undefined;
  /** Of the queue and the log of refreshes. */
  readonly state: string | undefined;
};

/** A folder, what in it nobody else may read, and the variable that names another one. */
type Place = { readonly folder: string; readonly names: readonly string[]; readonly variable: string };

/** The folder comes first: who cannot enter it reads nothing in it. */
const CONFIG = ['', '.auth_cache', '.credentials', '.cache_key', 'config.json', '.discovery'];
const STATE = ['', 'queue', 'analytics'];
/** What was had from an issuer, and can be had again. Nothing in it shows whether others have changed it. */
const REPLACEABLE = '.discovery';

type Finding = { readonly path: string; readonly stats: Stats };

type Looking = { readonly isFixing: boolean; readonly isKeptElsewhere: boolean };

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/**
 * Whether folders and files are this user's, and nobody else's to read. With `isFixing`, modes that let others in are
 * narrowed; an owner is for an administrator to change.
 */
export function permissionChecks(
  { config, state }: OwnFolders,
  looking: Looking,
  userId: number | undefined = process.getuid?.(),
): readonly HealthCheck[] {
  if (config === undefined)
    return [warning('permissions', 'this user has no home, so nothing is kept', 'set KM_CONFIG_DIR')];
  const place = { folder: config, names: CONFIG, variable: 'KM_CONFIG_DIR' };
  const found = findingsAt(place, looking, userId);
  const more =
    state === undefined
      ? []
      : findingsAt({ folder: state, names: STATE, variable: 'XDG_STATE_HOME' }, looking, userId);
  return [...(found.length > 0 ? found : [allRight(config, userId)]), ...more];
}

function allRight(folder: string, userId: number | undefined): HealthCheck {
  if (statsOf(folder) === undefined) return ok('permissions', `${folder} is not there yet`);
  return ok('permissions', userId === undefined ? folder : `${folder} is for this user only`);
}

/** What is not, or was not, as it should be. */
function findingsAt(
  { folder, names, variable }: Place,
  { isFixing, isKeptElsewhere }: Looking,
  userId: number | undefined,
): readonly HealthCheck[] {
  // Where tokens are kept elsewhere nothing need be kept there.
  const unusable = isKeptElsewhere ? warning : failed;
  const closed = closedAbove(folder);
  if (closed !== undefined) {
    const remedy = `let this user enter ${closed}, or set ${variable} to another folder`;
    return [unusable('permissions', `${folder} cannot be used: this user may not enter ${closed}`, remedy)];
  }
  const itself = statsOf(folder);
  if (itself === undefined) {
    const [cannot] = unwritable(nearestAbove(folder), folder, variable);
    return cannot === undefined ? [] : [unusable('permissions', cannot.detail, cannot.remedy ?? '')];
  }
  const target = itself.isSymbolicLink() ? undefined : itself;
  if (target !== undefined && !target.isDirectory())
    return [failed('permissions', `${folder} is not a folder`, `move it away, or set ${variable}`)];
  if (userId === undefined) return [];

  const seen = isClosed(folder) ? [''] : names;
  const found = seen
    .map((name) => join(folder, name))
    .flatMap((path): Finding[] => {
      const stats = statsOf(path);
      return stats === undefined || stats.isSymbolicLink() ? [] : [{ path, stats }];
    });
  return [
    ...found
      .filter((finding) => finding.stats.uid !== userId && !isOfAdministrator(finding))
      .map((finding) => foreign(finding, userId)),
    ...found
      .filter(({ stats }) => stats.uid === userId && (stats.mode & 0o077) !== 0)
      .map((finding) => tooWide(finding, isFixing)),
    ...unwritable(folder, folder, variable),
  ];
}

/** Settings may be an administrator's for all: see `refuseForeign` in `config/read-configuration.ts`. */
function isOfAdministrator({ path, stats }: Finding): boolean {
  return stats.uid === 0 && basename(path) === 'config.json';
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

/** Whether this user may not enter a folder. */
function isClosed(folder: string): boolean {
  try {
    accessSync(folder, constants.X_OK);
    return false;
  } catch (error) {
    const isDenied = error instanceof Error && 'code' in error && error.code === 'EACCES';
    return isDenied && statsOf(folder)?.isFile() !== true;
  }
}

/** The first folder on the way to `path` that this user may not enter. */
function closedAbove(path: string): string | undefined {
  const above = dirname(path);
  if (above === path) return undefined;
  return closedAbove(above) ?? (isClosed(above) ? above : undefined);
}

/** The nearest folder above one that is not there. */
function nearestAbove(folder: string): string {
  const above = dirname(folder);
  return above === folder || statsOf(above) !== undefined ? above : nearestAbove(above);
}

/** A refresh that cannot be stored is done again by every process; `folder` is made in `parent`, where it is not there. */
function unwritable(parent: string, folder: string, variable: string): readonly HealthCheck[] {
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
    if (parent === folder) readdirSync(folder);
    return [];
  } catch (error) {
    const remedy = `make it writable for this user, or set ${variable} to a folder that is`;
    return [failed('permissions', `${folder} cannot be used: ${messageOf(error)}`, remedy)];
  }
}
