/** What `km` logs in with, and what opens its cache; the URL may have a password in it. */
const OWN_SECRETS: ReadonlySet<string> = new Set(['KILOMETERS_API_KEY', 'KM_CACHE_KEY', 'KM_CACHE_URL']);

/** An environment for a program that `km` starts: all but the secrets that are for `km` alone. */
export function withoutOwnSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !OWN_SECRETS.has(name)));
}
