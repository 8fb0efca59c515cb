import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, environment, runKm } from './support/km.js';
import { configFolderOf } from './support/login-owner.js';

type File = '.credentials' | '.auth_cache';

/** Two profiles that are logged in, and a file of theirs that somebody changed. */
async function startWithDamaged(file: File) {
  const api = await startApi();
  const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
  for (const profile of ['work', 'home'])
    await runKm(['auth', 'login', '--profile', profile, '--api-key-stdin'], { env, input: API_KEY });
  const folder = configFolderOf(env);
  const bytes = readFileSync(join(folder, file));
  bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
  writeFileSync(join(folder, file), bytes);
  return { env, folder };
}

function asideIn(folder: string, file: File): string {
  const names = readdirSync(folder).filter((name) => name.startsWith(`${file}.corrupt-`));
  expect(names).toHaveLength(1);
  return join(folder, names[0] ?? '');
}

test.each([
  ['.credentials', ['auth', 'login', '--profile', 'work', '--api-key-stdin']],
  ['.auth_cache', ['auth', 'login', '--profile', 'work', '--api-key-stdin']],
  ['.credentials', ['init', '--force', '--profile', 'work', '--api-key', API_KEY]],
  ['.credentials', ['auth', 'logout', '--profile', 'work']],
  ['.credentials', ['auth', 'revoke', '--profile', 'work']],
] as const)('where %s is damaged, km %j says where it was moved to', async (file, args) => {
  const { env, folder } = await startWithDamaged(file);
  const { stderr } = await runKm(args, { env, input: API_KEY });
  const aside = asideIn(folder, file);
  expect(/^km: .* did not open \(.*\): it was moved to (.*)$/m.exec(stderr)?.[1]).toBe(aside);
});

test.each([[['init', '--profile', 'new']], [['auth', 'profiles']], [['auth', 'switch', 'work']]] as const)(
  'where logins cannot be opened, km %j says so once',
  async (args) => {
    const { env, folder } = await startWithDamaged('.credentials');
    const { stderr } = await runKm(args, { env });
    expect(stderr.split('\n').filter((line) => line.includes(join(folder, '.credentials')))).toEqual([
      expect.stringMatching(/^km: .* does not open/),
    ]);
  },
);
