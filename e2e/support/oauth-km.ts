import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment, startKm, type RunningKm } from './km.js';
import type { OAuthServer } from './oauth-server.js';
import { until } from './until.js';
import { WebPerson } from './web-person.js';

/** The flags that say where and as what to log in. */
export const at = (server: OAuthServer, clientId = 'cli'): string[] => [
  '--issuer',
  server.issuer,
  '--client-id',
  clientId,
];

/** The link that `km` said to open; nothing before it did. */
function linkIn(text: string): string | undefined {
  return /^ {4}(?:or open )?(http:\S+)$/m.exec(text)?.[1];
}

/** Starts `km auth login`, and waits until it has said which link to open. */
export async function startWebLogin(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ readonly km: RunningKm; readonly link: string }> {
  const km = startKm(['auth', 'login', ...args], env);
  const link = await until('km says which link to open', () => linkIn(km.stderr()) ?? '');
  return { km, link };
}

/**
 * Logs in with `km auth login` and a person who says yes to all; `args` has `--web` or `--device`. Who was there before is
 * logged in at the issuer still.
 */
export async function logInByWeb(
  args: readonly string[],
  env: Record<string, string> = environment(),
  person = new WebPerson(),
) {
  const { km, link } = await startWebLogin(args, env);
  const page = await person.answer(link);
  const ending = await km.ended;
  return { ...ending, stdout: km.stdout().toString(), stderr: km.stderr(), env, page, link };
}

export const kilometersFolder = (env: Readonly<Record<string, string>>): string =>
  join(env['HOME'] ?? '', '.config', 'kilometers');

/** A login in a browser that lasts. */
export const WEB = ['--web', '--scope', 'openid offline_access read'];

/** The address to which the browser is to come back, with `parameters`. */
export function callback(link: string, parameters: Readonly<Record<string, string>>): URL {
  const url = new URL(new URL(link).searchParams.get('redirect_uri') ?? '');
  url.search = new URLSearchParams(parameters).toString();
  return url;
}

export const isClosed = (url: URL): Promise<boolean> =>
  fetch(url).then(
    () => false,
    () => true,
  );

/** What lies in the folders of km, in the clear. */
export function storedText(env: Readonly<Record<string, string>>): string {
  const folder = kilometersFolder(env);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}
