import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  createAuthManager,
  createFileCache,
  createMemoryCache,
  type CacheNotice,
  type TokenCache,
} from '../src/index.js';
import { fakeClock } from './support/fake-clock.js';
import { scriptedProvider } from './support/scripted-provider.js';
import { outcomeOf, setup } from './support/setup.js';

/** What becomes of a refresh token that a program brings, with this cache. */
async function broughtTo(cache: TokenCache, profile = 'default') {
  const clock = fakeClock();
  const provider = scriptedProvider({ clock });
  const refreshToken = provider.login('monitoring');
  const manager = createAuthManager({ refreshToken, provider, clock, cache, profile });
  const outcome = await outcomeOf(manager.getValidToken('monitoring'));
  return outcome instanceof Error ? outcome.message : outcome.reveal();
}

/** A cache that has found something amiss. */
function cacheThatFound(notice: Partial<CacheNotice>): TokenCache {
  return {
    ...createMemoryCache(),
    subscribe: (listener) => {
      listener({ kind: 'corrupt', message: 'it does not open', ...notice });
      return () => undefined;
    },
  };
}

test.each([
  ['what may be of any login', {}, /^what was stored of the login is damaged/],
  ['what may be of its own', { mayConcernLogin: () => true }, /^what was stored of the login is damaged/],
  [
    'what is of another profile',
    { mayConcernLogin: ({ profile }) => profile !== 'default' },
    /^access-token-1$/,
  ],
  ['what was only put right', { kind: 'repaired' }, /^access-token-1$/],
] satisfies [string, Partial<CacheNotice>, RegExp][])(
  'a refresh token that a program brings, where the cache has found damaged %s',
  async (_what, notice, outcome) => {
    expect(await broughtTo(cacheThatFound(notice))).toMatch(outcome);
  },
);

test.each([
  ['.auth_cache', /^access-token-1$/],
  ['.credentials', /^what was stored of the login is damaged/],
])('a refresh token that a program brings, where %s is damaged', async (name, outcome) => {
  const folder = await mkdtemp(join(tmpdir(), 'km-seeded-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const open = (): TokenCache => createFileCache({ folder, environment: {}, machineId: () => 'machine' });
  const { manager } = await setup({ cache: open(), profile: 'other' });
  await manager.getValidToken('monitoring');
  await writeFile(join(folder, name), 'damaged');

  expect(await broughtTo(open())).toMatch(outcome);
});
