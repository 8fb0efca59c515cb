import type { ApiEvent } from '@kilometers/local-api';
import { createFileCache, Secret } from '@kilometers/auth';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents } from './support/api.js';
import { API_KEY, accountAt, environment, monitoring, runKm, start, startKm } from './support/km.js';
import { ECHO } from './support/scripted-servers.js';
import { until } from './support/until.js';
import { isValid } from './support/validate.js';

const LOGIN = ['auth', 'login', '--api-key-stdin'];
const REVOKE = ['auth', 'revoke'];

async function tokenOf(env: Record<string, string>, scope = 'monitoring'): Promise<string> {
  return (await runKm(['auth', 'token', '--scope', scope], { env })).stdout.trim();
}

function revocationsIn(seen: readonly ApiEvent[]): readonly string[] {
  return seen.map(({ type }) => type).filter((type) => type === 'family.revoked' || type === 'token.revoked');
}

describe('km auth revoke', () => {
  test('ends all tokens, the refresh token first; what wins new ones stays', async () => {
    const seen: ApiEvent[] = [];
    const api = await startApi({ onEvent: (event) => seen.push(event) });
    const env = accountAt(api.url);
    const before = [await tokenOf(env), await tokenOf(env, 'plugins')];
    const run = await runKm(REVOKE, { env });
    expect(run).toMatchObject({ code: 0, stdout: '', stderr: 'km: profile default: 3 tokens revoked\n' });
    expect(revocationsIn(seen)[0]).toBe('family.revoked');
    for (const token of before) expect(await isValid(api.url, token)).toBe(false);
    const after = await tokenOf(env);
    expect(before).not.toContain(after);
    expect(await isValid(api.url, after)).toBe(true);
  });

  test('says nothing of what another profile left to be told, be its API away', async () => {
    const [api, away] = [await startApi(), await startApi()];
    const env = environment();
    for (const [profile, { url }] of [
      ['work', away],
      ['home', api],
    ] as const) {
      const login = [...LOGIN, '--profile', profile, '--endpoint', url];
      expect(await runKm(login, { env, input: API_KEY })).toMatchObject({ code: 0 });
    }
    await away.close();
    const waits = await runKm([...REVOKE, '--profile', 'work'], { env });
    expect(waits.stderr).toContain(`${away.url} could not be told yet`);
    const told = await runKm([...REVOKE, '--profile', 'home'], { env });
    expect(told).toMatchObject({ code: 0, stderr: 'km: profile home: 2 tokens revoked\n' });
    const nobody = await runKm(['auth', 'logout', '--profile', 'nobody'], { env });
    expect(nobody).toMatchObject({ code: 0, stderr: 'km: profile nobody: nobody was logged in\n' });
  });

  test('--scope ends that one, and no other', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const [monitoringToken, pluginsToken] = [await tokenOf(env), await tokenOf(env, 'plugins')];
    const run = await runKm([...REVOKE, '--scope', 'monitoring'], { env });
    expect(run).toMatchObject({
      code: 0,
      stderr: 'km: profile default, scope "monitoring": 1 token revoked\n',
    });
    expect(await isValid(api.url, monitoringToken)).toBe(false);
    expect(await isValid(api.url, pluginsToken)).toBe(true);
    expect(await tokenOf(env, 'plugins')).toBe(pluginsToken);
    expect(await tokenOf(env)).not.toBe(monitoringToken);
  });

  test('--scope that is given twice ends the token of each', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const tokens = [await tokenOf(env), await tokenOf(env, 'plugins'), await tokenOf(env, 'default')];
    const run = await runKm([...REVOKE, '--scope', 'monitoring', '--scope', 'plugins'], { env });
    expect(run).toMatchObject({
      code: 0,
      stderr: 'km: profile default, scope "monitoring", scope "plugins": 2 tokens revoked\n',
    });
    const areValid = await Promise.all(tokens.map((token) => isValid(api.url, token)));
    expect(areValid).toEqual([false, false, true]);
  });

  test('leaves other profiles alone', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const other = await tokenOf({ ...env, KM_PROFILE: 'other' });
    await tokenOf(env);
    await runKm(REVOKE, { env });
    expect(await isValid(api.url, other)).toBe(true);
    expect(await tokenOf({ ...env, KM_PROFILE: 'other' })).toBe(other);
  });

  test.each([
    ['the API does not answer', 'status=503'],
    ['a captive portal answers', 'body=html'],
  ])('when %s clears at once, and km queue flush ends them there', async (_, trouble) => {
    const api = await startApi({ trouble: [`path=/api/auth/revoke,${trouble},count=1`] });
    const env = accountAt(api.url);
    const before = await tokenOf(env);
    const run = await runKm(REVOKE, { env });
    expect(run.code).toBe(0);
    expect(run.stderr).toContain(
      `${api.url} could not be told yet: the tokens are gone from here, and \`km queue flush\` ends them there\n`,
    );
    expect(await tokenOf(env)).not.toBe(before);
    expect(await isValid(api.url, before)).toBe(true);
    expect(await runKm(['queue', 'flush'], { env })).toMatchObject({ code: 0 });
    expect(await isValid(api.url, before)).toBe(false);
  });

  test('killed in the middle of telling the API, loses no revocation', async () => {
    const seen: ApiEvent[] = [];
    const trouble = ['path=/api/auth/revoke,latency=30s,count=1'];
    const api = await startApi({ trouble, onEvent: (event) => seen.push(event) });
    const env = accountAt(api.url);
    const before = await tokenOf(env);
    const km = startKm(REVOKE, env);
    await until('the API is being told', () => seen.some(({ type }) => type === 'trouble.applied'));
    const { stdout } = await runKm(['auth', 'status', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ profiles: [{ scopes: [] }] });
    km.child.kill('SIGKILL');
    await km.ended;
    await runKm(REVOKE, { env });
    expect(await isValid(api.url, before)).toBe(false);
  });

  test('says when there is nothing to revoke, and where nothing is kept', async () => {
    const run = await runKm(REVOKE);
    expect(run).toMatchObject({ code: 0, stdout: '', stderr: 'km: profile default: there was no token\n' });
    const none = await runKm(REVOKE, { env: environment({ KM_NO_TOKEN_CACHE: '1' }) });
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain('KM_NO_TOKEN_CACHE');
  });
});

describe('who runs meanwhile', () => {
  const OFTEN = { KM_CHECK_INTERVAL: '100ms', KM_MAX_RETRIES: '0', KM_RETRY_INTERVAL: '100ms' };
  const note = '{"jsonrpc":"2.0","method":"note"}\n';

  test('a monitor notices a revocation and goes on with another token', async () => {
    const api = await startApi();
    const env = accountAt(api.url, OFTEN);
    const before = await tokenOf(env);
    const km = startKm(monitoring(ECHO), env);
    km.child.stdin.write(note);
    await until('the first events', () => storedEvents(api).length === 2);
    await runKm(REVOKE, { env });
    km.child.stdin.write(note);
    await until('the next events', () => storedEvents(api).length === 4);
    expect(await tokenOf(env)).not.toBe(before);
    km.child.stdin.end();
    expect(await km.ended).toEqual({ code: 0, signal: null });
  });

  test('a monitor notices a logout, wins nothing with the key it read, and the session goes on', async () => {
    const seen: ApiEvent[] = [];
    const api = await startApi({ onEvent: (event) => seen.push(event) });
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url, ...OFTEN });
    await runKm([...LOGIN, '--profile', 'work'], { env, input: API_KEY });
    await runKm(['auth', 'switch', 'work'], { env });
    const km = startKm(monitoring(ECHO), env);
    km.child.stdin.write(note);
    await until('the first events', () => storedEvents(api).length === 2);

    await runKm(['auth', 'switch', 'default'], { env });
    expect(await runKm(['auth', 'logout', '--profile', 'work'], { env })).toMatchObject({ code: 0 });
    seen.splice(0);
    km.child.stdin.write(note);
    await until('the monitor says so', () => km.stderr().includes('logged out meanwhile'));
    await until('the echo', () => km.stdout().toString() === note + note);
    km.child.stdin.end();
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(km.stderr()).toBe(
      'km: monitoring goes on, and events wait in the queue: profile work was logged out meanwhile; run `km auth login --profile work`\n',
    );
    expect(seen.filter(({ type }) => type === 'token.issued' || type === 'batch.stored')).toEqual([]);
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 4, stdout: '' });
  });

  test('a program with the library notices a logout', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const answer = await fetch(`${api.url}/api/auth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'api_key', api_key: API_KEY, scope: ['monitoring'] }),
    });
    const { refresh_token: refreshToken } = (await answer.json()) as { readonly refresh_token: string };
    // As a login by device leaves it: a refresh token, and nothing else.
    const folder = join(env['HOME'] ?? '', '.config', 'kilometers');
    const cache = createFileCache({ folder, environment: env });
    const key = { apiOrigin: api.url, profile: 'default', credential: 'login:' };
    await cache.updateGrant(key, () => ({
      tokens: new Map(),
      refreshToken: { secret: new Secret(refreshToken), issuedAtMs: Date.now() },
      unexplainedRequestsAtMs: [],
    }));
    const program = `
      import { createAuthManager, createFileCache } from '@kilometers/auth';
      const manager = createAuthManager({
        apiEndpoint: '${api.url}',
        cache: createFileCache({ folder: '${folder}', environment: process.env }),
        checkIntervalMs: 50,
      });
      const ask = () => manager.getValidToken('monitoring').then(
        (token) => console.log('token ' + token.fingerprint),
        (error) => { console.log(error.code); process.exit(0); },
      );
      setInterval(ask, 20);`;
    const library = start(process.execPath, ['--input-type=module', '-e', program], env);
    await until('a token', () => library.stdout().includes('token '));
    expect(await runKm(['auth', 'logout'], { env })).toMatchObject({
      code: 0,
      stderr: 'km: profile default: logged out\n',
    });
    expect(await library.ended).toEqual({ code: 0, signal: null });
    expect(library.stdout().toString()).toMatch(/\nKM_AUTH_LOGIN_REQUIRED\n$/);
  });
});
