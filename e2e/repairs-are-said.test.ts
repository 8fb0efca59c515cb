import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, environment, runKm } from './support/km.js';
import { kilometersFolder } from './support/oauth-km.js';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

/** Somebody who is logged in with a key, and has a token. */
async function loggedIn() {
  const api = await startApi();
  const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
  expect((await runKm(['auth', 'login', '--api-key-stdin'], { env, input: API_KEY })).code).toBe(0);
  return { env, folder: kilometersFolder(env) };
}

describe('a mode that lets others in is narrowed, and that is said', () => {
  test.each([
    ['.credentials', ['auth', 'refresh']],
    ['.cache_key', ['auth', 'refresh']],
    ['.auth_cache', ['auth', 'token', '--scope', 'plugins']],
    ['.credentials', ['auth', 'token', '--profile', 'other']],
    ['.auth_cache', ['auth', 'exec', '--', 'true']],
  ])('that of %s, by km %j', async (name, args) => {
    const { env, folder } = await loggedIn();
    chmodSync(join(folder, name), 0o644);
    const { stderr } = await runKm(args, { env });
    const said = stderr.split('\n').filter((line) => line.includes('(mode 644): it is 600 now'));
    expect(said).toEqual([expect.stringContaining(name)]);
    expect(modeOf(join(folder, name))).toBe(0o600);
  });

  test('of several files each, and of the folder, with KM_NO_TOKEN_CACHE as well', async () => {
    const { env, folder } = await loggedIn();
    for (const off of [{}, { KM_NO_TOKEN_CACHE: '1' }]) {
      for (const name of ['.credentials', '.cache_key']) chmodSync(join(folder, name), 0o644);
      chmodSync(folder, 0o777);
      const { stderr, code } = await runKm(['auth', 'refresh'], { env: { ...env, ...off } });
      expect(code).toBe(0);
      expect(stderr.match(/it is [67]00 now/g)).toEqual(['it is 700 now', 'it is 600 now', 'it is 600 now']);
      expect(modeOf(folder)).toBe(0o700);
    }
  });
});
