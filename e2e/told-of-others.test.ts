import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { byDevice, user } from './support/device-user.js';
import { accountAt, API_KEY, monitoring, runKm } from './support/km.js';
import { ECHO } from './support/scripted-servers.js';

test('km queue flush says that events wait for others, where none do for the account', async () => {
  const api = await startApi();
  await api.close();
  const away = accountAt(api.url, { KM_MAX_RETRIES: '0' });
  const input = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';
  expect(await runKm(monitoring(ECHO), { env: away, input })).toMatchObject({ code: 0 });
  await startApi({ port: api.port });
  const flush = await runKm(['queue', 'flush', '--profile', 'work'], { env: away });
  expect(flush).toMatchObject({ code: 0, stdout: '' });
  expect(flush.stderr).toBe(
    'km: nothing waits for profile work; 2 events wait for others: km queue status\n',
  );
  expect((await runKm(['queue', 'flush'], { env: away })).stderr).toBe('km: 2 events delivered\n');
  expect((await runKm(['queue', 'flush'], { env: away })).stderr).toBe('km: nothing waits in the queue\n');
});

test('km auth profiles says of a login that was revoked that nobody is logged in', async () => {
  const { api, env } = await user();
  await byDevice({ api, env });
  const profiles = async (variables: Record<string, string> = {}): Promise<unknown> =>
    JSON.parse((await runKm(['auth', 'profiles', '--json'], { env: { ...env, ...variables } })).stdout);
  const there = { profiles: [{ credential: 'refresh_token', credentialFrom: 'login' }] };
  expect(await profiles()).toMatchObject(there);
  expect(await profiles({ KM_NO_TOKEN_CACHE: '1' })).toMatchObject(there);
  expect(await runKm(['auth', 'revoke'], { env })).toMatchObject({ code: 0 });
  expect(await profiles()).toMatchObject({ profiles: [{ credential: null, credentialFrom: null }] });
  expect((await runKm(['auth', 'profiles'], { env })).stdout).toContain('nobody is logged in');
  expect(await profiles({ KILOMETERS_API_KEY: API_KEY })).toMatchObject({
    profiles: [{ credential: 'api_key' }],
  });
});

test('--web without --issuer is the login in a browser that the Kilometers API has', async () => {
  const { api, env } = await user();
  const login = await byDevice({ api, env, flags: ['--web'], way: [] });
  expect(login.code).toBe(0);
  expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0 });
  const both = await runKm(['auth', 'login', '--web', '--api-key-stdin'], { env, input: API_KEY });
  expect(both).toMatchObject({ code: 2, stdout: '' });
  expect(both.stderr).toContain('give one, not both');
});
