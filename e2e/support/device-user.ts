import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeOf, deviceApi } from './device-api.js';
import { answerOnPage } from './device-page.js';
import { API_KEY, startKm } from './km.js';

const FULL_DISK = fileURLToPath(new URL('./full-disk.cjs', import.meta.url));

/** A second key that the API of {@link user} knows. */
export const OTHER_KEY = 'km_ent_other';

/** An API, what happened there, and a user who has a folder for config.json. */
export async function user() {
  const { api, env, count, folder } = await deviceApi({ apiKeys: [API_KEY, OTHER_KEY] });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'config.json');
  return {
    api,
    env,
    folder,
    path,
    write: (text: string) => writeFileSync(path, text, { mode: 0o600 }),
    read: () => readFileSync(path, 'utf8'),
    count,
  };
}

type User = Pick<Awaited<ReturnType<typeof user>>, 'api' | 'env'>;

/** A login by device, or by another flag that means it, which a person approves once `before` has happened. */
export async function byDevice(
  {
    api,
    env,
    flags = [],
    way = ['--device'],
  }: User & { readonly flags?: readonly string[]; readonly way?: readonly string[] },
  before: () => void = () => undefined,
) {
  const km = startKm(['auth', 'login', ...way, ...flags], env);
  const code = await codeOf(km);
  before();
  await answerOnPage(api, code, 'approve');
  return { ...(await km.ended), stderr: km.stderr() };
}

/** `env` of a process for which the disk is full for `files`, as full-disk.cjs reads them. */
export const onFullDisk = (env: Record<string, string>, files: string): Record<string, string> => ({
  ...env,
  NODE_OPTIONS: `--require=${FULL_DISK}`,
  FULL_FOR: files,
});
