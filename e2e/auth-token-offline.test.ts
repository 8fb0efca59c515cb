import { expect, test } from 'vitest';
import { age, OVER_MS } from './support/age.js';
import { startApi } from './support/api.js';
import { accountAt, runKm } from './support/km.js';

const TOKEN = ['auth', 'token', '--scope', 'monitoring'];
const FOR_AN_HOUR = [...TOKEN, '--offline-lifetime', '1h'];

/** An account whose token has ended, and whose API is away. */
async function away() {
  const api = await startApi();
  const env = accountAt(api.url, { KM_MAX_RETRIES: '1', KM_RETRY_INTERVAL: '100ms' });
  const { stdout: token } = await runKm(TOKEN, { env });
  await api.close();
  await age(env, OVER_MS);
  return { api, env, token };
}

test('a token that ended goes on while the API is away, for who asks for that, as long as is said', async () => {
  const { env, token } = await away();

  const run = await runKm(FOR_AN_HOUR, { env });
  expect(run).toMatchObject({ code: 0, stdout: token });
  expect(run.stderr).toMatch(
    /^km: monitoring: no newer token can be had now: token [0-9a-f]{8}, which ended [^\n]+ ago, is used\n$/,
  );
  expect(await runKm([...TOKEN, '--offline-lifetime', '1ms'], { env })).toMatchObject({
    code: 75,
    stdout: '',
  });
  expect(await runKm(TOKEN, { env })).toMatchObject({ code: 75, stdout: '' });
});

test('what is printed says when the token ended', async () => {
  const { env, token } = await away();

  const { code, stdout } = await runKm([...FOR_AN_HOUR, '--format', 'json'], { env });
  const printed = JSON.parse(stdout) as Readonly<Record<string, string>>;
  expect({ code, token: `${printed['token'] ?? ''}\n` }).toEqual({ code: 0, token });
  expect(Date.parse(printed['expiresAt'] ?? '')).toBeLessThan(Date.now());
});

test('once the API is back a newer one is printed', async () => {
  const { api, env, token } = await away();
  await startApi({ port: api.port });

  // The answer of a busy machine takes its time.
  const { code, stdout, stderr } = await runKm(FOR_AN_HOUR, { env: { ...env, KM_REFRESH_DEADLINE: '40s' } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).not.toBe(token);
});

test('ten processes at once are answered by one token, and none waits for the tries of the others', async () => {
  const { env, token } = await away();

  const patient = { ...env, KM_MAX_RETRIES: '10', KM_RETRY_INTERVAL: '60s', KM_REFRESH_DEADLINE: '1s' };
  const runs = await Promise.all(Array.from({ length: 10 }, () => runKm(FOR_AN_HOUR, { env: patient })));
  expect(runs.map(({ code, stdout }) => ({ code, stdout }))).toEqual(
    Array(10).fill({ code: 0, stdout: token }),
  );
});
