import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { age, OVER_MS } from './support/age.js';
import { codeOf, deviceApi } from './support/device-api.js';
import { answerOnPage } from './support/device-page.js';
import { createGate } from './support/gate.js';
import { API_KEY, runKm, startKm } from './support/km.js';
import { listen } from './support/listen.js';
import { until } from './support/until.js';

const DEVICE = ['auth', 'login', '--device'];
/** Says on stderr that a signal has come, in the moment in which `km` is told of it. */
const TELLING_SIGNALS = `--import=data:text/javascript,${encodeURIComponent("process.on('SIGINT', (signal) => console.error('heard', signal));")}`;

describe('km auth login --device', () => {
  test('prints code and link; once it is approved tokens come, again and again, without a human', async () => {
    const { api, env, events, count } = await deviceApi();
    const km = startKm(DEVICE, env);
    await answerOnPage(api, await codeOf(km), 'approve');
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(km.stdout().toString()).toBe('');
    expect(km.stderr()).toContain(`km: open ${api.url}/device\n`);
    expect(km.stderr()).toMatch(/or open http:\S+\/device\?user_code=[B-Z]{4}-[B-Z]{4}\n/);
    expect(km.stderr()).toMatch(
      /km: profile default is logged in to \S+ as \S+ \(tier \w+\)\n {4}features: /,
    );

    for (let round = 0; round < 3; round += 1) {
      await age(env, OVER_MS);
      for (const scope of ['monitoring', 'plugins', 'default']) {
        const token = await runKm(['auth', 'token', '--scope', scope], { env });
        expect(token).toMatchObject({ code: 0, stderr: '' });
      }
    }
    const issued = events.filter(({ type }) => type === 'token.issued');
    expect(issued).toMatchObject([{ grantType: 'device_code' }]);
    expect(count('token.refreshed')).toBe(3);
    expect(events.filter(({ type }) => type === 'family.revoked')).toEqual([]);
    const status = await runKm(['auth', 'status', '--json'], { env });
    expect(JSON.parse(status.stdout)).toMatchObject({
      profiles: [{ credential: 'refresh_token', refreshesWithoutHuman: true, outlook: { answer: 'yes' } }],
    });
    const [lines, profiles] = await Promise.all([
      runKm(['auth', 'status'], { env }),
      runKm(['auth', 'profiles'], { env }),
    ]);
    expect(lines.stdout).toContain('login: refresh token,');
    expect(profiles.stdout).toMatch(/ {2}refresh token\n$/);
  });

  test('knows the endpoint afterwards, and stores no secret in the clear', async () => {
    const { api, env, folder, events } = await deviceApi();
    const km = startKm([...DEVICE, '--endpoint', api.url], { ...env, KILOMETERS_API_ENDPOINT: '' });
    await answerOnPage(api, await codeOf(km), 'approve');
    expect(await km.ended).toMatchObject({ code: 0 });
    const later = { ...env, KILOMETERS_API_ENDPOINT: '' };
    const token = await runKm(['auth', 'token', '--scope', 'plugins'], { env: later });
    expect(token).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(folder, 'config.json'), 'utf8')).toContain(api.url);
    const files = ['.credentials', '.auth_cache', 'config.json'].map((name) =>
      readFileSync(join(folder, name), 'latin1'),
    );
    expect(files.join('')).not.toContain(token.stdout.trim());
    expect(events.filter(({ type }) => type === 'token.issued')).toHaveLength(1);
  });

  test('rides out an outage between start and answer', async () => {
    const { api, env } = await deviceApi();
    const km = startKm(DEVICE, env);
    const code = await codeOf(km);
    api.trouble.add({ path: '/api/auth/device-code/poll', drop: 'before', count: 1 });
    await answerOnPage(api, code, 'approve');
    expect(await km.ended).toMatchObject({ code: 0 });
  });

  test('that the person refuses stores nothing', async () => {
    const { api, env, folder } = await deviceApi();
    const km = startKm(DEVICE, env);
    await answerOnPage(api, await codeOf(km), 'deny');
    expect(await km.ended).toMatchObject({ code: 1 });
    expect(km.stderr()).toMatch(/refused in the browser; nothing was stored\n$/);
    expect(existsSync(folder)).toBe(false);
  });

  test('ends with the code, and says so', async () => {
    const { env, folder } = await deviceApi({ deviceCodeTtlMs: 1_000 });
    const run = await runKm(DEVICE, { env });
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/start again for a new one; nothing was stored\n$/);
    expect(existsSync(folder)).toBe(false);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s gives up and leaves nothing behind', async (signal, code) => {
    const { env, folder } = await deviceApi();
    const km = startKm(DEVICE, env);
    await codeOf(km);
    km.child.kill(signal);
    expect(await km.ended).toEqual({ code, signal: null });
    expect(km.stderr()).toMatch(/km: the login was given up; nothing was stored\n$/);
    expect(existsSync(folder)).toBe(false);
  });

  test('what is granted in the moment of giving up is given back', async () => {
    const gate = createGate();
    const { api, env, folder, count } = await deviceApi({ sleep: () => gate.opened });
    const km = startKm(DEVICE, { ...env, NODE_OPTIONS: TELLING_SIGNALS });
    const code = await codeOf(km);
    api.trouble.add({ path: '/api/auth/device-code/poll', latencyMs: 1, count: 1 });
    await until('the poll is held', () => count('trouble.applied') > 0);
    await answerOnPage(api, code, 'approve');
    km.child.kill('SIGINT');
    await until('km has heard', () => km.stderr().includes('heard SIGINT'));
    gate.open();
    expect(await km.ended).toEqual({ code: 130, signal: null });
    expect(count('token.issued')).toBe(1);
    expect(count('family.revoked')).toBe(1);
    expect(existsSync(folder)).toBe(false);
  });

  test('what cannot be stored is given back', async () => {
    const { api, env, folder, count } = await deviceApi();
    const km = startKm(DEVICE, env);
    const code = await codeOf(km);
    writeFileSync(join(env['HOME'] ?? '', '.config'), 'not a folder');
    await answerOnPage(api, code, 'approve');
    expect(await km.ended).toMatchObject({ code: 1 });
    expect(count('family.revoked')).toBe(1);
    expect(existsSync(folder)).toBe(false);
  });

  test('a second login ends the first one, at the API too; the one in between is never lost', async () => {
    const { api, env, count, events } = await deviceApi();
    for (const round of [0, 1]) {
      const km = startKm(DEVICE, env);
      await answerOnPage(api, await codeOf(km), 'approve');
      expect(await km.ended).toMatchObject({ code: 0 });
      expect(count('family.revoked')).toBe(round);
    }
    const byKey = await runKm(['auth', 'login', '--api-key-stdin'], { env, input: API_KEY });
    expect(byKey).toMatchObject({ code: 0 });
    expect(count('family.revoked')).toBe(2);
    const token = await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
    expect(token).toMatchObject({ code: 0, stderr: '' });
    const last = events.findLast(({ type }) => type === 'token.issued');
    expect(last).toMatchObject({ grantType: 'api_key' });
  });

  test('of an API that knows fewer scopes asks for what it gives', async () => {
    const { api, env } = await deviceApi();
    api.trouble.add({
      path: '/api/auth/device-code/start',
      status: 400,
      body: { json: { error: 'invalid_scope' } },
      count: 1,
    });
    const km = startKm(DEVICE, env);
    await answerOnPage(api, await codeOf(km), 'approve');
    expect(await km.ended).toMatchObject({ code: 0 });
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stderr: '' });
  });

  test.each([
    [['--scope', 'monitoring', '--scope', 'plugins']],
    [['--scope', ' monitoring  plugins ', '--scope', 'plugins']],
  ])('asks for the scopes that are given, each once: %j', async (scopes) => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        bodies.push(body);
        response.writeHead(400, { 'content-type': 'application/json' });
        response.end('{"error":"invalid_scope"}');
      });
    });
    const endpoint = `http://127.0.0.1:${await listen(server)}`;
    expect(await runKm([...DEVICE, '--endpoint', endpoint, ...scopes])).toMatchObject({
      code: 1,
      stdout: '',
    });
    expect(bodies.map((body) => JSON.parse(body) as unknown)).toEqual([{ scope: ['monitoring', 'plugins'] }]);
  });

  test('that does not serve a scope names the command for a login that asks for it, too', async () => {
    const { api, env } = await deviceApi();
    const km = startKm([...DEVICE, '--scope', 'plugins'], env);
    await answerOnPage(api, await codeOf(km), 'approve');
    expect(await km.ended).toMatchObject({ code: 0 });
    const asked = await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
    expect(asked).toMatchObject({ code: 4, stdout: '' });
    // It asks for all that km does.
    expect(asked.stderr).toMatch(/does not serve scope "monitoring"; run `km auth login`\n$/);
    const other = await runKm(['auth', 'refresh', '--scope', 'reports'], { env });
    const [, command = ''] = /does not serve scope "reports"; run `km ([^`]+)`\n$/.exec(other.stderr) ?? [];
    expect(command).toBe(
      'auth login --device --scope default --scope monitoring --scope plugins --scope reports',
    );
    const refused = await runKm(command.split(' '), { env });
    expect(refused.stderr).toMatch(/invalid_scope.*; nothing was stored\n$/);
    expect(refused.code).toBe(1);
  });

  test.each([
    ['', '--scope is empty'],
    ['a"b', 'is not a scope'],
  ])('asks nobody for the scope %j', async (scope, said) => {
    const { env, count } = await deviceApi();
    const run = await runKm([...DEVICE, '--scope', scope], { env });
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(said);
    expect(count('request')).toBe(0);
  });

  test('says that a login without a refresh token ends', async () => {
    const { api, env } = await deviceApi({ issueRefreshTokens: false });
    const km = startKm(DEVICE, env);
    await answerOnPage(api, await codeOf(km), 'approve');
    expect(await km.ended).toMatchObject({ code: 0 });
    expect(km.stderr()).toContain('the API gave no refresh token: this login ends in');
  });
});
