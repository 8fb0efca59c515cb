import type { GrantRecord } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import type { Configuration } from '../config/configuration.js';
import { readConfiguration } from '../config/read-configuration.js';
import { grantOfAccount } from '../grant-of-account.js';
import { hindranceOf, loginOutOfReach, type Hindrance } from '../hindrance.js';
import { isSet } from '../is-set.js';
import { messageOf } from '../message-of.js';
import { profileNames } from '../profiles.js';
import { resolveAccount, settingsFrom, type Account, type AccountFlags, type Sourced } from '../settings.js';
import { openStorage, type Storage } from '../token-cache.js';
import { profileStatus, type CacheStatus, type ProfileStatus, type StatusReport } from './profile-status.js';
import { refreshSettingSources } from './setting-sources.js';
import type { TokenCheck } from './token-checks.js';

/** A status, and what was found amiss on the way to it. */
export type StatusReading = {
  readonly report: StatusReport;
  /** The profile that commands use. */
  readonly active: ProfileStatus;
  /** What keeps the login of that profile from being used. */
  readonly hindrance: Hindrance | undefined;
  readonly notices: readonly string[];
};

/** What profiles are read from. */
type StatusSource = {
  readonly configuration: Configuration;
  readonly storage: Storage;
  readonly context: Pick<CommandContext, 'environment' | 'clock'>;
  /** Is added to. */
  readonly notices: string[];
  /** Asks who issued the tokens how they are; absent where nobody is to be asked. */
  readonly check?:
    ((account: Account, record: GrantRecord | undefined) => Promise<readonly TokenCheck[]>) | undefined;
};

/** How profiles are, from what is stored: the one that `flags` name, or all. Asks no server but for `check`. */
export async function readStatus(
  flags: AccountFlags,
  context: CommandContext,
  check?: StatusSource['check'],
): Promise<StatusReading> {
  const storage = openStorage(context);
  const notices: string[] = [];
  const unsubscribe = storage.cache.subscribe?.(({ message }) => notices.push(message));
  const configuration = readConfiguration(context.environment);
  const { chosen, active, hindrance, profiles } = await readProfiles(flags, {
    configuration,
    storage,
    context,
    notices,
    check,
  });
  unsubscribe?.();
  const cache = cacheStatus(storage, context.environment);
  const report = { active: chosen.value, activeFrom: chosen.source, profiles, cache };
  return { report, active, hindrance, notices };
}

/** The profile that `flags` mean first, and unless they name it, all others. */
export async function readProfiles(
  flags: AccountFlags,
  source: StatusSource,
): Promise<{
  readonly chosen: Sourced<string>;
  readonly active: ProfileStatus;
  readonly hindrance: Hindrance | undefined;
  readonly profiles: readonly ProfileStatus[];
}> {
  const { configuration, context } = source;
  const { environment } = context;
  const { profile: chosen } = settingsFrom(flags, environment, configuration);
  const isOneMeant = flags.profile !== undefined || flags.endpoint !== undefined;
  const names = isOneMeant ? [] : await namesOf(source);
  const { status: active, hindrance } = await readProfile(flags, true, source);
  const profiles = [active];
  for (const profile of names.filter((name) => name !== chosen.value))
    profiles.push((await readProfile({ profile }, false, source)).status);
  return { chosen, active, hindrance, profiles };
}

/** The names of all profiles; of those that only a login names none, where logins cannot be read. */
async function namesOf({
  configuration,
  storage,
  context,
  notices,
}: StatusSource): Promise<readonly string[]> {
  const { environment } = context;
  try {
    return await profileNames(configuration, environment, storage.files?.logins);
  } catch (error) {
    notices.push(`stored logins cannot be read: ${messageOf(error)}`);
    return profileNames(configuration, environment, undefined);
  }
}

async function readProfile(
  flags: AccountFlags,
  isActive: boolean,
  { configuration, storage, context: { environment, clock }, notices, check }: StatusSource,
): Promise<{ readonly status: ProfileStatus; readonly hindrance: Hindrance | undefined }> {
  const account = await resolveAccount(flags, environment, storage.files?.logins, configuration);
  const record = await recordOf(account, storage, notices);
  const hindrance = loginOutOfReach(account) ?? hindranceOf(account, storage);
  const status = profileStatus({
    account,
    isActive,
    record,
    hindrance,
    checks: await check?.(account, record),
    settings: refreshSettingSources(account.own, environment),
    nowMs: clock.nowMs(),
  });
  return { status, hindrance };
}

/** What is stored for the account's credential; nothing where the cache cannot be read. */
async function recordOf(
  account: Account,
  { cache }: Storage,
  notices: string[],
): Promise<GrantRecord | undefined> {
  try {
    return await cache.getGrant(grantOfAccount(account).key);
  } catch (error) {
    const notice = `the token cache cannot be read: ${messageOf(error)}`;
    if (!notices.includes(notice)) notices.push(notice);
    return undefined;
  }
}

function cacheStatus(
  { cache, files, folder, address, whyMemory }: Storage,
  environment: NodeJS.ProcessEnv,
): CacheStatus {
  const folderFrom = ['KM_CONFIG_DIR', 'XDG_CONFIG_HOME'].find((name) => isSet(environment, name));
  return {
    kind: cache.kind,
    keySource: (whyMemory === undefined ? files?.keySource() : undefined) ?? null,
    folder: folder ?? null,
    address: (whyMemory === undefined ? address : undefined) ?? null,
    folderFrom: folderFrom ?? null,
  };
}
