/** Whether an environment variable is set: an empty one counts as not set. */
export function isSet(environment: NodeJS.ProcessEnv, name: string): boolean {
  return (environment[name] ?? '') !== '';
}
