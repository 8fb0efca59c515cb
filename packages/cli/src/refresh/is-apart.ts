import { isSet } from '../is-set.js';

/** Says to the `km auth token` that refreshes for another process that it does, and for which kind. */
export const IS_APART = 'KM_REFRESH_APART';

/** For a command that has a token already, which is `1`; or for one that runs on, and says itself what it sees itself. */
export type ApartFor = '1' | 'session';

export function isApart(environment: NodeJS.ProcessEnv): boolean {
  return isSet(environment, IS_APART);
}

export function isApartForSession(environment: NodeJS.ProcessEnv): boolean {
  const apartFor: ApartFor = 'session';
  return environment[IS_APART] === apartFor;
}
