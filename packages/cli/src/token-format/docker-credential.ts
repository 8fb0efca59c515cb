import { serverUrl } from './credential-host.js';

/** What docker takes for "there is none here"; every other text is a failure to it. */
export const NOT_FOUND = 'credentials not found in native keychain';

/** What docker wants to be kept. */
export type DockerLogin = { readonly server: URL | undefined; readonly secret: string | undefined };

/** The server that `get` and `erase` name, on a line of its own. */
export function parseDockerServer(text: string): URL | undefined {
  return serverUrl(text.trim());
}

/** Reads what docker writes to `store`. */
export function parseDockerLogin(text: string): DockerLogin | undefined {
  let login: unknown;
  try {
    login = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof login !== 'object' || login === null) return undefined;
  const { ServerURL: server, Secret: secret } = login as Readonly<Record<string, unknown>>;
  return {
    server: typeof server === 'string' ? serverUrl(server) : undefined,
    secret: typeof secret === 'string' ? secret : undefined,
  };
}
