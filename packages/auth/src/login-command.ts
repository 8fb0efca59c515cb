import { DEFAULT_PROFILE } from './profile-name.js';

/** What logs a profile in again, where nobody says another. */
export function defaultLoginCommand(profile: string): string {
  return profile === DEFAULT_PROFILE ? 'km auth login' : `km auth login --profile ${profile}`;
}

/** One word of a command that somebody is told to run: a shell takes all of it as it is. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  // Every shell knows double quotes; within them it still takes `$` and others for its own.
  return /^[\w@%+=:,./ -]+$/.test(text) ? `"${text}"` : `'${text.replaceAll("'", "'\\''")}'`;
}
