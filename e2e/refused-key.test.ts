import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, environment, runKm } from './support/km.js';

test('when the API takes the key of a login no more exits with 4, and names the command for another', async () => {
  const api = await startApi();
  const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
  await runKm(['auth', 'login', '--api-key-stdin', '--profile', 'work'], { env, input: API_KEY });
  await api.close();
  await startApi({ port: api.port, apiKeys: ['km_live_other'] });
  await runKm(['auth', 'refresh', '--profile', 'work'], { env });
  const command = 'log in with another key: km auth login --api-key-stdin --profile work';
  const { code, stderr } = await runKm(['auth', 'status', '--profile', 'work'], { env });
  expect(code).toBe(4);
  expect(stderr).toMatch(/^km: profile work: the last refresh failed [^\n]+\n$/);
  expect(stderr).toContain(`; do what the last failure says, or ${command}\n`);
  const doctor = await runKm(['doctor', '--profile', 'work'], { env });
  expect(doctor.stdout.replace(/\s+/g, ' ')).toContain(`, or ${command}`);
  const login = await runKm(['auth', 'login', '--api-key-stdin', '--profile', 'work'], {
    env,
    input: 'km_live_other',
  });
  expect(login.code).toBe(0);
  expect(await runKm(['auth', 'status', '--profile', 'work'], { env })).toMatchObject({
    code: 0,
    stderr: '',
  });
});

test.each([['invalid_grant'], ['invalid_client']])(
  'a key that is refused as %s at a login exits with 1',
  async (error) => {
    const api = await startApi();
    api.trouble.add({ path: '/api/auth/token', status: 400, body: { json: { error } }, count: Infinity });
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const login = await runKm(['auth', 'login', '--api-key-stdin'], { env, input: API_KEY });
    expect(login).toMatchObject({ code: 1, stdout: '' });
    expect(login.stderr).toMatch(/^km: [^\n]*refused[^\n]*; nothing was stored\n$/);
  },
);
