import { isSet } from './is-set.js';

/** Whether the environment keeps tokens in another place than the files of this user. */
export function isKeptElsewhere(environment: NodeJS.ProcessEnv): boolean {
  return ['KM_NO_TOKEN_CACHE', 'KM_CACHE_URL'].some((name) => isSet(environment, name));
}
