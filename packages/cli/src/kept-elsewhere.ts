import { saysYes } from './says-yes.js';

/** Whether the environment keeps tokens in another place than the files of this user. */
export function isKeptElsewhere(environment: NodeJS.ProcessEnv): boolean {
  return saysYes(environment['KM_NO_TOKEN_CACHE']) || cacheUrlIn(environment) !== '';
}

/** The Redis that `KM_CACHE_URL` names; empty where it names none. */
export function cacheUrlIn(environment: NodeJS.ProcessEnv): string {
  return environment['KM_CACHE_URL']?.trim() ?? '';
}
