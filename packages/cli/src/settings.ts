import { authConfigFromEnvironment, type AuthManagerConfig } from '@kilometers/auth';

/** The flags that say which account and which service; every command that needs a token has them. */
export type AccountFlags = { readonly profile?: string; readonly endpoint?: string };

/** What brings a login, as long as an API key is the only one there is. */
const LOGIN_COMMAND = 'export KILOMETERS_API_KEY=YOUR_KEY';

/** What the manager is made with: flags first, then the environment. */
export function settingsFrom(flags: AccountFlags, environment: NodeJS.ProcessEnv): AuthManagerConfig {
  return {
    loginCommand: LOGIN_COMMAND,
    ...authConfigFromEnvironment(environment),
    ...(flags.profile === undefined ? {} : { profile: flags.profile }),
    ...(flags.endpoint === undefined ? {} : { apiEndpoint: flags.endpoint }),
  };
}

/** The URL of `path` at the service, keeping a path that the endpoint has of its own. */
export function serviceUrl(endpoint: string, path: string): string {
  const url = new URL(endpoint);
  return url.origin + url.pathname.replace(/\/+$/, '') + path;
}
