import { fileURLToPath } from 'node:url';
import { environment, start, type RunningKm } from './km.js';
import { endOf, type Said } from './login.js';
import type { LoginDetails, OAuthServer } from './oauth-server.js';
import { until } from './until.js';

const CHILD = fileURLToPath(new URL('./oauth-child.mjs', import.meta.url));

/** One login at an OAuth server, which every program with this environment shares. */
export type OAuthLogin = { readonly server: OAuthServer; readonly env: Record<string, string> };

export async function startOAuthLogin(
  server: OAuthServer,
  variables: Readonly<Record<string, string>> = {},
  details: LoginDetails = {},
): Promise<OAuthLogin> {
  const refreshToken = await server.login('cli', 'openid offline_access read write', details);
  const env = environment({
    OAUTH_ISSUER: server.issuer,
    OAUTH_CLIENT: 'cli',
    LOGIN_REFRESH_TOKEN: refreshToken,
    ...variables,
  });
  return { server, env };
}

/** Starts a program with this login. */
export function startOAuthProgram(
  { env }: OAuthLogin,
  variables: Readonly<Record<string, string>> = {},
): RunningKm {
  return start(process.execPath, [CHILD], { ...env, ...variables });
}

/** Lets `count` programs that wait at the gate go at one moment, not before `atMs`; gives what each said. */
export async function oauthStorm(login: OAuthLogin, count: number, atMs = 0): Promise<readonly Said[]> {
  const runs = Array.from({ length: count }, () => startOAuthProgram(login, { LOGIN_GATE: '1' }));
  for (const run of runs) await until('a program is at the gate', () => run.stdout().length > 0, 60_000);
  await until('the token at hand is over', () => Date.now() >= atMs);
  for (const { child } of runs) child.stdin.end();
  return Promise.all(runs.map(endOf));
}

/** Runs one program to its end. */
export function runOAuthProgram(
  login: OAuthLogin,
  variables: Readonly<Record<string, string>> = {},
): Promise<Said> {
  return endOf(startOAuthProgram(login, variables));
}
