import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createFileCache, Secret } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { runAuthStatus, type AuthStatusFlags } from '../src/commands/auth-status.js';
import { EXIT } from '../src/exit-code.js';
import { loginChecks } from '../src/health/login-checks.js';
import { openStorage } from '../src/token-cache.js';
import { contextWith, temporaryFolder } from './support/context.js';

/** Somebody who is logged in, with a link where the logins are: it is not read, whoever runs this. */
async function userWithLink() {
  const folder = temporaryFolder();
  const environment = { KM_CONFIG_DIR: folder };
  const { logins } = createFileCache({ folder, environment });
  const login = { apiEndpoint: 'https://api.example', atMs: 0, apiKey: new Secret('key') };
  await logins.set({ kind: 'api_key', profile: 'default', ...login });
  rmSync(join(folder, '.credentials'));
  symlinkSync('/dev/null', join(folder, '.credentials'));
  const why = `stored logins cannot be read: ${join(folder, '.credentials')} is a symbolic link; it is not used: remove it, or give it back to its user`;
  return { environment, why };
}

async function statusOf(flags: AuthStatusFlags, environment: Record<string, string>) {
  const answers: string[] = [];
  const answer = (text: string) => Promise.resolve(answers.push(text) > 0);
  const context = contextWith(environment, { answer });
  const code = await runAuthStatus(flags, context);
  return { code, text: answers.join(''), told: context.told };
}

test.each([{ profile: 'default' }, {}])(
  'where logins cannot be read, the status with %o says why, and asks for no login',
  async (flags) => {
    const { environment, why } = await userWithLink();
    const { code, text, told } = await statusOf({ ...flags, json: true }, environment);
    expect(code).toBe(EXIT.failed);
    const report = JSON.parse(text) as { readonly profiles: readonly object[] };
    expect(report.profiles).toMatchObject([
      { profile: 'default', outlook: { answer: 'no', reason: why, remedy: 'do what it says' }, note: why },
    ]);
    expect(told).toContain(`km: profile default: ${why}; do what it says`);
  },
);

test('where logins cannot be read, nobody is said to be logged out', async () => {
  const { environment } = await userWithLink();
  const { text } = await statusOf({}, environment);
  expect(text).toContain('login: none that can be used');
});

test('where logins cannot be read, the doctor asks for no login', async () => {
  const { environment, why } = await userWithLink();
  const context = contextWith(environment);
  const configuration = { path: undefined, activeProfile: undefined, profiles: new Map() };
  const checks = await loginChecks({}, configuration, openStorage(context), context);
  expect(checks).toEqual([
    { name: 'login', state: 'failed', detail: `profile default: ${why}`, remedy: 'do what it says' },
  ]);
});
