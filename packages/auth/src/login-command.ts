/** What logs a profile in again, where nobody says another. */
export function defaultLoginCommand(profile: string): string {
  return profile === 'default' ? 'km auth login' : `km auth login --profile ${profile}`;
}
