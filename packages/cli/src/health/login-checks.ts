import type { CommandContext } from '../command-context.js';
import type { Configuration } from '../config/configuration.js';
import type { AccountFlags } from '../settings.js';
import type { ProfileStatus } from '../status/profile-status.js';
import { readProfiles } from '../status/read-status.js';
import type { Storage } from '../token-cache.js';
import { failed, ok, warning, type HealthCheck } from './health-check.js';

/** Whether each profile goes on without a human. Only that of the active one is a failure. */
export async function loginChecks(
  flags: AccountFlags,
  configuration: Configuration,
  storage: Storage,
  context: CommandContext,
): Promise<readonly HealthCheck[]> {
  const { profiles } = await readProfiles(flags, { configuration, storage, context, notices: [] });
  return profiles.map(loginCheck);
}

function loginCheck(status: ProfileStatus): HealthCheck {
  const { profile, isActive, refreshesWithoutHuman, outlook, lastFailure } = status;
  const why = lastFailure === null ? '' : `: ${lastFailure.code}, ${lastFailure.message}`;
  const detail = `profile ${profile}: ${outlook.reason}${why}`;
  const remedy = outlook.remedy ?? '';
  if (outlook.answer === 'yes') return ok('login', detail);
  return !refreshesWithoutHuman && isActive
    ? failed('login', detail, remedy)
    : warning('login', detail, remedy);
}
