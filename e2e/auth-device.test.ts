import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiEvent } from '@kilometers/local-api';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { answerOnPage, userCodeIn } from './support/device-page.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, environment, runKm, startKm, type RunningKm } from './support/km.js';
import { CTRL_C, startOnTerminal } from './support/terminal.js';
import { until } from './support/until.js';

const DEVICE = ['auth', 'login', '--device'];

/** An API that lets devices ask every second, an environment for it, and what happened there. */
async function deviceApi(options: Parameters<typeof startApi>[0] = {}) {
  const events: ApiEvent[] = [];
  const api = await startApi({
    deviceIntervalSeconds: 1,
    ...options,
    onEvent: (event) => events.push(event),
  });
  const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
  const count = (type: ApiEvent['type']): number => events.filter((event) => event.type === type).length;
  return { api, env, events, count, folder: join(env['HOME'] ?? '', '.config', 'kilometers') };
}

const codeOf = (km: Pick<RunningKm, 'stderr'>): Promise<string> =>
  until('the code', () => userCodeIn(km.stderr()) ?? '');

describe('km auth login --device', () => {
  test('prints code and link; once it is approved tokens come, again and again, without a human', async () => {
    const { api, env, events } = await deviceApi({ tokenTtlMs: 1_000 });
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
      for (const scope of ['monitoring', 'plugins', 'default']) {
        const token = await runKm(['auth', 'token', '--scope', scope], { env });
        expect(token).toMatchObject({ code: 0, stderr: '' });
      }
    }
    const issued = events.filter(({ type }) => type === 'token.issued');
    expect(issued).toMatchObject([{ grantType: 'device_code' }]);
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
    const { api, env, folder, count } = await deviceApi();
    const km = startKm(DEVICE, env);
    const code = await codeOf(km);
    api.trouble.add({ path: '/api/auth/device-code/poll', latencyMs: 700, count: 1 });
    await until('the slow poll', () => count('trouble.applied') > 0);
    await answerOnPage(api, code, 'approve');
    km.child.kill('SIGINT');
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

  test('says that a login without a refresh token ends', async () => {
    const { api, env } = await deviceApi({ issueRefreshTokens: false });
    const km = startKm(DEVICE, env);
    await answerOnPage(api, await codeOf(km), 'approve');
    expect(await km.ended).toMatchObject({ code: 0 });
    expect(km.stderr()).toContain('the API gave no refresh token: this login ends in');
  });
});

describe('on a terminal', () => {
  /** A program that is named as the one that opens links, and notes what it is to open. */
  function browserIn(folder: string): { readonly path: string; readonly opened: () => string } {
    const file = join(folder, 'opened');
    writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > '${file}'\n`, { mode: 0o755 });
    return {
      path: `${folder}:${process.env['PATH'] ?? ''}`,
      opened: () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
    };
  }

  test('without flags there is a menu, and Enter takes the browser; it is opened', async () => {
    const { api, env } = await deviceApi();
    const browser = browserIn(temporaryFolder());
    const km = startOnTerminal(['auth', 'login'], { env: { ...env, PATH: browser.path, DISPLAY: ':9' } });
    await km.shows('How do you want to log in?');
    km.type('9\r');
    await km.shows('That is none of them');
    km.type('\r');
    const code = await until('the code', () => userCodeIn(km.shown()) ?? '');
    await until('the browser', () => browser.opened() === `${api.url}/device?user_code=${code}`);
    await km.shows(/waiting for you to approve it \(\d/);
    await answerOnPage(api, code, 'approve');
    expect(await km.ended).toMatchObject({ code: 0 });
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0 });
  });

  test.each([
    ['no display', {}],
    ['ssh', { DISPLAY: ':9', SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' }],
  ])('with %s no browser is opened', async (_, variables) => {
    const { env } = await deviceApi();
    const browser = browserIn(temporaryFolder());
    const km = startOnTerminal(DEVICE, { env: { ...env, PATH: browser.path, ...variables } });
    await km.shows('Ctrl-C gives up');
    await km.shows('waiting for you');
    km.type(CTRL_C);
    expect(await km.ended).toMatchObject({ code: 130 });
    expect(browser.opened()).toBe('');
  });

  test('the menu has the API key, which is typed unseen', async () => {
    const { env } = await deviceApi();
    const km = startOnTerminal(['auth', 'login'], { env });
    await km.shows('Type a number');
    km.type('2\r');
    await km.shows('Paste the API key');
    km.type(`${API_KEY}\r`);
    expect(await km.ended).toMatchObject({ code: 0 });
    expect(km.shown()).toContain('is logged in to');
    expect(km.shown()).not.toContain(API_KEY);
  });

  test.each(['menu', 'key'])('Ctrl-C at the %s ends it', async (where) => {
    const { env, folder } = await deviceApi();
    const km = startOnTerminal(['auth', 'login'], { env });
    await km.shows('Type a number');
    if (where === 'key') {
      km.type('2\r');
      await km.shows('Paste the API key');
    }
    km.type(CTRL_C);
    const { code, signal } = await km.ended;
    expect(code ?? signal).toBe(130);
    expect(existsSync(folder)).toBe(false);
  });
});
