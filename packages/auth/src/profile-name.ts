import { AuthError } from './auth-error.js';

/** The profile of those who name none. */
export const DEFAULT_PROFILE = 'default';

const FORM = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** What the name of a profile is made of, in words: it also names files and is typed in shells. */
export const PROFILE_NAME_FORM =
  'up to 64 letters, digits, dots, dashes, underscores or @, beginning with a letter or digit';

/** Whether a profile may be called `name`: {@link PROFILE_NAME_FORM}. */
export function isProfileName(name: string): boolean {
  return FORM.test(name);
}

/**
 * Throws where no profile may be called `name`.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION`, with the name and what it may be.
 */
export function expectProfileName(name: string): void {
  if (isProfileName(name)) return;
  throw new AuthError(
    'KM_AUTH_INVALID_OPTION',
    `profile ${JSON.stringify(name)} is not a profile name: use ${PROFILE_NAME_FORM}`,
  );
}
