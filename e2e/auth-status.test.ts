import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, accountAt, environment, runKm } from './support/km.js';

const STATUS = ['auth', 'status'];

describe('km auth status', () => {
  test('after a login says that it goes on without a human, and where everything came from', async () => {
    const api = await startApi();
    const env = environment();
    await runKm(['auth', 'login', '--api-key-stdin', '--endpoint', api.url], { env, input: API_KEY });
    const { code, stdout, stderr } = await runKm([...STATUS, '--json'], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      profile: 'default',
      profileFrom: 'default',
      endpoint: api.url,
      endpointFrom: 'config',
      credential: 'api_key',
      credentialFrom: 'login',
      refreshesWithoutHuman: true,
      scopes: [
        {
          scope: 'monitoring',
          state: 'fresh',
          expiresAt: expect.stringMatching(/Z$/) as string,
          refreshAt: expect.stringMatching(/Z$/) as string,
        },
      ],
      lastFailure: null,
      note: null,
      cache: { kind: 'file', keySource: 'file', folder: join(env['HOME'] ?? '', '.config', 'kilometers') },
    });
  });

  test('for people: lines of at most 80 columns, and no secret', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const token = await runKm(['auth', 'token'], { env });
    const { code, stdout, stderr } = await runKm(STATUS, { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('login: API key, from the environment');
    expect(stdout).toMatch(/default: fresh, expires in \d+/);
    expect(stdout).not.toContain(API_KEY);
    expect(stdout).not.toContain(token.stdout.trim());
    expect(stdout.split('\n').filter((line) => line.length > 80 && !line.includes('/'))).toEqual([]);
  });

  test('when nobody is logged in exits with 4, still answers, and says what to do', async () => {
    const { code, stdout, stderr } = await runKm([...STATUS, '--json']);
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ credential: null, refreshesWithoutHuman: false, scopes: [] });
    expect(stderr).toBe('km: nobody is logged in; run `km auth login`\n');
  });

  test('says that tokens stay in memory', async () => {
    const env = environment({ KILOMETERS_API_KEY: API_KEY, KM_NO_TOKEN_CACHE: '1' });
    const { stdout } = await runKm([...STATUS, '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ cache: { kind: 'memory', keySource: null } });
  });

  test('says why a stored login is not used', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    await runKm(['auth', 'login', '--api-key-stdin'], { env, input: API_KEY });
    const { code, stdout } = await runKm([...STATUS, '--endpoint', 'https://else.example'], { env });
    expect(code).toBe(4);
    expect(stdout.replace(/\s+/g, ' ')).toContain(`is logged in to ${api.url}`);
  });
});
