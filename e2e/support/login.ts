import { fileURLToPath } from 'node:url';
import type { ApiEvent, LocalApiOptions, RunningLocalApi } from '@kilometers/local-api';
import { startApi } from './api.js';
import { API_KEY, environment, start, type Ending, type RunningKm } from './km.js';
import { until } from './until.js';

const CHILD = fileURLToPath(new URL('./login-child.mjs', import.meta.url));

/** What a program with a login printed. */
export type Said = Ending & {
  readonly token?: string;
  readonly source?: string;
  readonly code?: string | number | null;
  readonly message?: string;
  readonly stderr: string;
  /** What it waited for by the clock before it had a token. */
  readonly waits?: readonly { readonly beganAtMs: number; readonly delayMs: number }[];
};

/** An API, and one login at it. */
export type Login = {
  readonly api: RunningLocalApi;
  readonly refreshToken: string;
  /** The environment of everybody who shares the login. */
  readonly env: Record<string, string>;
  /** What the API saw of token requests since the login was made, or since the last call. */
  readonly takeSeen: () => Seen;
};

/** What an API saw. */
export type Seen = {
  readonly tokenRequests: number;
  readonly refreshed: number;
  readonly reused: number;
  readonly logins: number;
};

function seenIn(events: readonly ApiEvent[]): Seen {
  const count = (is: (event: ApiEvent) => boolean): number => events.filter(is).length;
  return {
    tokenRequests: count((event) => event.type === 'request' && event.path === '/api/auth/token'),
    refreshed: count((event) => event.type === 'token.refreshed' && !event.isReplay),
    reused: count((event) => event.type === 'family.revoked'),
    logins: count((event) => event.type === 'token.issued'),
  };
}

/** One refresh, and nothing else. */
export const ONE_REFRESH: Seen = { tokenRequests: 1, refreshed: 1, reused: 0, logins: 0 };

/** Nothing at all. */
export const NOTHING: Seen = { tokenRequests: 0, refreshed: 0, reused: 0, logins: 0 };

/** Wins a refresh token, as a human would in a browser. */
async function winRefreshToken(api: RunningLocalApi): Promise<string> {
  const answer = await fetch(`${api.url}/api/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ grant_type: 'api_key', api_key: API_KEY, scope: ['monitoring'] }),
  });
  const { refresh_token: refreshToken } = (await answer.json()) as { readonly refresh_token: string };
  return refreshToken;
}

/**
 * An API that ends a login at the first reuse of its refresh token, and a login of which there is only the
 * refresh token.
 */
export async function startLogin(
  options: LocalApiOptions = {},
  variables: Readonly<Record<string, string>> = {},
): Promise<Login> {
  const events: ApiEvent[] = [];
  const api = await startApi({ graceMs: 0, ...options, onEvent: (event) => events.push(event) });
  const refreshToken = await winRefreshToken(api);
  events.splice(0);
  const env = environment({ LOGIN_URL: api.url, LOGIN_REFRESH_TOKEN: refreshToken, ...variables });
  return { api, refreshToken, env, takeSeen: () => seenIn(events.splice(0)) };
}

/** Starts a program with this login. */
export function startProgram(
  { env }: Pick<Login, 'env'>,
  variables: Readonly<Record<string, string>> = {},
): RunningKm {
  return start(process.execPath, [CHILD], { ...env, ...variables });
}

/** Many that start at once, on a busy machine, take longer than anything else. */
const START_LIMIT_MS = 120_000;

/** Starts a program that has loaded everything and waits at the gate; ending its input lets it go. */
export async function startAtGate(
  login: Pick<Login, 'env'>,
  variables: Readonly<Record<string, string>> = {},
): Promise<RunningKm> {
  const run = startProgram(login, { LOGIN_GATE: '1', ...variables });
  await until('the program is at the gate', () => run.stdout().length > 0, START_LIMIT_MS);
  return run;
}

/** Command and arguments of a program with a login, for those who start it in their own way. */
export const PROGRAM: readonly string[] = [process.execPath, CHILD];

/** Waits for a program to end. */
export async function endOf(run: RunningKm): Promise<Said> {
  const ending = await run.ended;
  const said: unknown = JSON.parse(/\n(\{.*\})\n/.exec(run.stdout().toString())?.[1] ?? '{}');
  return { ...ending, ...(said as Partial<Said>), stderr: run.stderr() };
}

/** Runs a program with this login to its end. */
export function runProgram(
  login: Pick<Login, 'env'>,
  variables: Readonly<Record<string, string>> = {},
): Promise<Said> {
  return endOf(startProgram(login, variables));
}

/**
 * How long a program waited by the clock for its token, in milliseconds, in waits that began after `sinceMs`. What a busy
 * machine adds is not in it.
 */
export function waitedMs({ waits = [] }: Said, sinceMs = 0): number {
  return waits.reduce((sum, { beganAtMs, delayMs }) => (beganAtMs < sinceMs ? sum : sum + delayMs), 0);
}
