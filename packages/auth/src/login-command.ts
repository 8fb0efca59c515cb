import { DEFAULT_PROFILE } from './profile-name.js';

/** What logs a profile in again, where nobody says another. */
export function defaultLoginCommand(profile: string): string {
  return profile === DEFAULT_PROFILE ? 'km auth login' : `km auth login --profile ${profile}`;
}
