import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { byDevice, user } from './support/device-user.js';
import { API_KEY, environment, runKm } from './support/km.js';
import { CLI, ODD_SECRET, service } from './support/oauth-clients.js';
import { at, logInByWeb, WEB } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';
import { startOnTerminal } from './support/terminal.js';

const statusOf = async (env: Record<string, string>, profile: string): Promise<unknown> =>
  JSON.parse((await runKm(['auth', 'status', '--json', '--profile', profile], { env })).stdout);

describe('a profile that logs in at another issuer', () => {
  /** Profile `work` with a person's login at an issuer, profile `other` with a client's at the same. */
  async function elsewhere() {
    const server = await startOAuthServer({ clients: [CLI, service('client_secret_basic')] });
    const { env } = await logInByWeb([...at(server), ...WEB, '--profile', 'work']);
    const other = [...at(server, 'service'), '--client-secret-stdin', '--profile', 'other'];
    expect(await runKm(['auth', 'login', ...other], { env, input: ODD_SECRET })).toMatchObject({ code: 0 });
    return { server, env };
  }

  test('comes back to the Kilometers API with km init --force, and its login ends; no other is touched', async () => {
    const { server, env } = await elsewhere();
    const api = await startApi();
    const init = ['init', '--profile', 'work', '--endpoint', api.url, '--api-key', API_KEY];
    const refused = await runKm(init, { env });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(`km: profile work logs in at ${server.issuer}, and stays as it is: `);
    expect(refused.stderr).toContain('or replace it with --force\n');

    const failed = await runKm([...init.slice(0, -1), 'km_live_wrong', '--force'], { env });
    expect(failed.code).toBe(1);
    expect(await statusOf(env, 'work')).toMatchObject({
      profiles: [{ oauth: { issuer: server.issuer }, outlook: { answer: 'yes' } }],
    });

    expect(await runKm([...init, '--force'], { env })).toMatchObject({ code: 0, stdout: '' });
    expect(await statusOf(env, 'work')).toMatchObject({
      profiles: [{ endpoint: api.url, credential: 'api_key', oauth: null, outlook: { answer: 'yes' } }],
    });
    expect(await runKm(['auth', 'token', '--profile', 'work'], { env })).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(server.revoked()).toBe(1);
    expect(await runKm(['auth', 'token', '--profile', 'other'], { env })).toMatchObject({ code: 0 });
  });

  test('without a terminal comes back too, and is told that the login there is of no use here', async () => {
    const { server, env } = await elsewhere();
    const init = ['init', '--profile', 'work', '--endpoint', 'http://127.0.0.1:9', '--force'];
    const run = await runKm(init, { env });
    expect(run).toMatchObject({ code: 0, stdout: '' });
    const { origin } = new URL(server.issuer);
    expect(run.stderr).toContain(
      `km: profile work is logged in to ${origin}; that login is not used at http://127.0.0.1:9\n`,
    );
    expect(run.stderr).toContain('km: next, log in: km auth login --device --profile work\n');
    expect(await statusOf(env, 'work')).toMatchObject({
      profiles: [{ endpoint: 'http://127.0.0.1:9', credential: null }],
    });
    expect(await runKm(['auth', 'token', '--profile', 'other'], { env })).toMatchObject({ code: 0 });
  });

  test('takes no API key, and says how to come back; a key in the environment is not used, which is said', async () => {
    const { server, env } = await elsewhere();
    const byKey = await runKm(['auth', 'login', '--api-key-stdin', '--profile', 'work'], {
      env,
      input: API_KEY,
    });
    expect(byKey).toMatchObject({ code: 2, stdout: '' });
    expect(byKey.stderr).toContain(`this profile logs in at ${server.issuer}: `);
    expect(byKey.stderr).toContain('`km init --force --profile work`');
    await runKm(['auth', 'logout', '--profile', 'work'], { env });
    const withKey = { ...env, KILOMETERS_API_KEY: API_KEY };
    const token = await runKm(['auth', 'token', '--profile', 'work'], { env: withKey });
    expect(token).toMatchObject({ code: 4, stdout: '' });
    const why = `KILOMETERS_API_KEY is not used for profile work, which logs in at ${server.issuer}`;
    expect(token.stderr).toMatch(/^km: KILOMETERS_API_KEY .*\nkm: nobody is logged in; run `km auth login/);
    expect(token.stderr).toContain(why);
    expect(await statusOf(withKey, 'work')).toMatchObject({ profiles: [{ note: why }] });
  });
});

test('km init --force without a terminal keeps a login that is good there, and says so', async () => {
  const { api, env } = await user();
  await byDevice({ api, env });
  const run = await runKm(['init', '--endpoint', api.url, '--force'], { env });
  expect(run).toMatchObject({ code: 0, stdout: '' });
  expect(run.stderr).toContain('km: profile default stays logged in: `km auth logout` ends that\n');
  expect(run.stderr).not.toContain('next, log in');
  expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0 });
});

test('km init says once which profile is active, and nothing of it where that is the new one', async () => {
  const api = await startApi();
  const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
  const first = await runKm(['init', '--profile', 'work', '--api-key', API_KEY], { env });
  expect(first.stderr).not.toContain('the active profile is');
  const second = startOnTerminal(['init', '--profile', 'home', '--api-key', API_KEY], { env });
  expect(await second.ended).toMatchObject({ code: 0 });
  expect(second.shown().split('the active profile is work')).toHaveLength(2);
});
