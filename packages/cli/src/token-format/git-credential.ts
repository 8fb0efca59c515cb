import type { AuthToken } from '@kilometers/auth';
import { serverUrl } from './credential-host.js';

/** A request of git, as far as it matters here. */
export type GitRequest = {
  /** Where the credential would be sent; `undefined` when that is not said, or no web server. */
  readonly server: URL | undefined;
  readonly username: string | undefined;
  /** The token as git was given it before, in whichever form. */
  readonly secret: string | undefined;
  /** git can send a token as what it is, and the server asks for that. */
  readonly takesBearer: boolean;
};

/**
 * Reads what git writes to a credential helper.
 *
 * @see {@link https://git-scm.com/docs/git-credential#IOFMT | git-credential: input/output format}
 */
export function parseGitRequest(text: string): GitRequest {
  const values = new Map<string, string[]>();
  for (const line of text.split(/\r?\n/)) {
    const end = line.indexOf('=');
    if (end < 1) continue;
    const [key, value] = [line.slice(0, end), line.slice(end + 1)];
    // An empty value of a list takes back what came before.
    const before = key.endsWith('[]') && value !== '' ? (values.get(key) ?? []) : [];
    values.set(key, key.endsWith('[]') && value === '' ? [] : [...before, value]);
  }
  const one = (key: string): string | undefined => values.get(key)?.[0];
  const [protocol, host] = [one('protocol'), one('host')];
  const isWeb = protocol === 'https' || protocol === 'http';
  const challenges = values.get('wwwauth[]') ?? [];
  return {
    server: isWeb && host !== undefined ? serverUrl(host, protocol) : undefined,
    username: one('username'),
    secret: one('password') ?? one('credential'),
    takesBearer:
      (values.get('capability[]') ?? []).includes('authtype') &&
      challenges.some((challenge) => /^bearer\b/i.test(challenge)),
  };
}

/** The answer to `get`. */
export function gitAnswer(token: AuthToken, request: GitRequest, username: string): string {
  const lines = request.takesBearer
    ? [
        'capability[]=authtype',
        `authtype=${token.type}`,
        `credential=${token.reveal()}`,
        // No other helper should keep what ends so soon.
        'ephemeral=1',
      ]
    : [`username=${request.username ?? username}`, `password=${token.reveal()}`];
  return `${[...lines, `password_expiry_utc=${Math.floor(token.expiresAtMs / 1000)}`].join('\n')}\n`;
}
