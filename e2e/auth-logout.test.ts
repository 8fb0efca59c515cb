import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, environment, runKm } from './support/km.js';

const LOGIN = ['auth', 'login', '--api-key-stdin'];

async function statusOf(url: string, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token.trim()}` };
  return (await fetch(`${url}/api/auth/validate`, { headers })).status;
}

describe('km auth logout', () => {
  test('forgets the login, and ends its tokens at the API, the refresh token first', async () => {
    const ended: string[] = [];
    const api = await startApi({
      onEvent: ({ type }) => {
        if (type === 'family.revoked' || type === 'token.revoked') ended.push(type);
      },
    });
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    await runKm(LOGIN, { env, input: API_KEY });
    const token = await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
    expect(await statusOf(api.url, token.stdout)).toBe(200);
    const run = await runKm(['auth', 'logout'], { env });
    expect(run).toMatchObject({ code: 0, stdout: '', stderr: 'km: profile default: logged out\n' });
    expect(ended[0]).toBe('family.revoked');
    expect(await statusOf(api.url, token.stdout)).toBe(401);
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 4, stdout: '' });
    expect((await runKm(['doctor'], { env })).stdout).toContain('0 logins, 0 grants');
  });

  test('leaves other profiles alone, and --all takes them too', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    for (const profile of ['one', 'two']) {
      await runKm([...LOGIN, '--profile', profile], { env, input: API_KEY });
    }
    await runKm(['auth', 'logout', '--profile', 'one'], { env });
    expect((await runKm(['auth', 'token', '--profile', 'one'], { env })).code).toBe(4);
    expect((await runKm(['auth', 'token', '--profile', 'two'], { env })).code).toBe(0);
    expect((await runKm(['auth', 'logout', '--all'], { env })).code).toBe(0);
    expect((await runKm(['auth', 'token', '--profile', 'two'], { env })).code).toBe(4);
  });

  test('of two profiles at once ends the tokens of both at the API, however slow that is', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const profiles = ['one', 'two'];
    const tokens = [];
    for (const profile of profiles) {
      await runKm([...LOGIN, '--profile', profile], { env, input: API_KEY });
      tokens.push((await runKm(['auth', 'token', '--profile', profile], { env })).stdout);
    }
    api.trouble.add('path=/api/auth/revoke,latency=400ms,count=inf');
    const runs = await Promise.all(
      profiles.map((profile) => runKm(['auth', 'logout', '--profile', profile], { env })),
    );
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      profiles.map((profile) => ({ code: 0, stderr: `km: profile ${profile}: logged out\n` })),
    );
    for (const token of tokens) expect(await statusOf(api.url, token)).toBe(401);
    const { stdout } = await runKm(['queue', 'status', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ revocations: 0 });
  });

  test('without a network clears at once, and says that the API could not be told', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    await runKm(LOGIN, { env, input: API_KEY });
    await api.close();
    const { code, stderr } = await runKm(['auth', 'logout'], { env });
    expect(code).toBe(0);
    expect(stderr).toContain(`${api.url} could not be told yet`);
    expect(stderr).not.toContain(API_KEY);
    expect((await runKm(['auth', 'token'], { env })).code).toBe(4);
  });

  test('when nobody is logged in says so; with both flags, what is wrong', async () => {
    const run = await runKm(['auth', 'logout']);
    expect(run).toMatchObject({ code: 0, stderr: 'km: profile default: nobody was logged in\n' });
    expect(await runKm(['auth', 'logout', '--all', '--profile', 'x'])).toMatchObject({ code: 2 });
  });
});
