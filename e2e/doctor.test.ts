import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiEvent } from '@kilometers/local-api';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { checksOf } from './support/doctor.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, accountAt, environment, runKm, startKm } from './support/km.js';
import { CAN_BE_NOBODY, startAsNobody } from './support/nobody.js';
import { startOnTerminal, tooWide } from './support/terminal.js';
import { until } from './support/until.js';

function configFolder(env: Record<string, string>): string {
  return join(env['HOME'] ?? '', '.config', 'kilometers');
}

describe('km doctor', () => {
  test('finds nothing wrong after a login, and says where everything is from', async () => {
    const api = await startApi();
    const env = environment();
    await runKm(['auth', 'login', '--api-key-stdin', '--endpoint', api.url], { env, input: API_KEY });
    const { code, states, find } = await checksOf(env);

    expect(code).toBe(0);
    expect(new Set(Object.values(states))).toEqual(new Set(['ok']));
    expect(find('key')?.detail).toMatch(/^from the key file/);
    expect(find('settings')?.detail).toContain(`endpoint ${api.url} (config)`);
    expect(find('queue')?.detail).toBe('empty');
    expect(find('login')?.detail).toBe('profile default: the API key wins new tokens');
  });

  test('says which failure was the last, where that is what is to be mended', async () => {
    const env = accountAt((await startApi()).url, { KILOMETERS_API_KEY: 'km_live_wrong' });
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 1 });
    const { code, find } = await checksOf(env);

    expect(code).toBe(1);
    expect(find('login')).toMatchObject({
      state: 'failed',
      detail: expect.stringMatching(
        /, for good: KM_AUTH_CONFIGURATION, http\S+ refused .* invalid_client/,
      ) as string,
      remedy: 'do what the last failure says',
    });
    const { stdout } = await runKm(['doctor'], { env });
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('for good: KM_AUTH_CONFIGURATION, http');
  });

  test('with nobody logged in and no API fails, and says what to do about each', async () => {
    const api = await startApi();
    await api.close();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const { code, stdout } = await runKm(['doctor'], { env });

    expect(code).toBe(1);
    expect(stdout).toMatch(/^failed {3}endpoint: .*\n? .*ECONNREFUSED/m);
    expect(stdout).toMatch(
      /^failed {3}login: profile default: nobody is logged in\n {9}to fix: run km auth login/m,
    );
    expect(stdout).toMatch(/\n\n\d+ ok, 0 to look at, 2 failed\n$/);
  });

  test.each(['.auth_cache', '.credentials', '.cache_key'])('works with garbage in %s', async (file) => {
    const api = await startApi();
    const env = accountAt(api.url);
    await runKm(['auth', 'token'], { env });
    writeFileSync(join(configFolder(env), file), 'garbage', { mode: 0o600 });
    const { states } = await checksOf(env);

    expect(states['login']).toBe('ok');
    expect(states['endpoint']).toBe('ok');
    if (file !== '.cache_key') expect(states['cache']).toBe('warning');
  });

  test('works when everything is broken at once', async () => {
    const env = environment({
      KM_REFRESH_AHEAD: 'soon',
      KM_QUEUE_MAX_AGE: 'for ever',
      HTTPS_PROXY: 'socks5://someone:secret@proxy.example',
      SSL_CERT_FILE: '/nowhere/ca.pem',
    });
    mkdirSync(configFolder(env), { recursive: true });
    writeFileSync(join(configFolder(env), 'config.json'), '{\n  "profiles": oops\n}', { mode: 0o600 });
    for (const file of ['.auth_cache', '.credentials', '.cache_key'])
      mkdirSync(join(configFolder(env), file));
    const { code, states, find, checks } = await checksOf(env);
    expect(code).toBe(1);
    expect(states).toMatchObject({ config: 'failed', settings: 'failed', cache: 'failed', queue: 'failed' });
    expect(find('config')?.detail).toMatch(/config\.json:2:15: /);
    expect(find('settings')?.detail).toContain('KM_REFRESH_AHEAD');
    const mended = await checksOf({ ...env, KM_REFRESH_AHEAD: '' });
    expect(mended.states).toMatchObject({ endpoint: 'failed', proxy: 'failed', login: 'failed' });
    expect(JSON.stringify([...checks, ...mended.checks])).not.toContain('secret');
  });

  test.each([
    ['a file in the place of the folder', { KM_CONFIG_DIR: '/etc/hostname' }],
    ['a URL that is none', { KILOMETERS_API_ENDPOINT: 'banana' }],
    ['an endpoint that would show tokens', { KILOMETERS_API_ENDPOINT: 'http://api.example' }],
    ['a place where no folder can be', { KM_CONFIG_DIR: '/proc/nothing/here' }],
  ])('answers with %s', async (_, variables) => {
    const { code } = await checksOf(environment(variables));
    expect(code).toBe(1);
  });

  test.runIf(CAN_BE_NOBODY)('says that nothing can be kept where the home cannot be written', async () => {
    const { HOME: home = '', ...env } = environment();
    chmodSync(home, 0o555);
    const km = startAsNobody(['doctor', '--json'], { ...env, KM_CONFIG_DIR: join(home, 'kilometers') });
    expect(await km.ended).toMatchObject({ code: 1 });
    const { checks } = JSON.parse(km.stdout().toString()) as { checks: { name: string; state: string }[] };
    expect(checks.find(({ name }) => name === 'permissions')).toMatchObject({ state: 'failed' });
  });

  test('says which files others can get at; --fix narrows them', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    await runKm(['auth', 'token'], { env });
    const cache = join(configFolder(env), '.auth_cache');
    const widen = (): void => {
      chmodSync(configFolder(env), 0o755);
      chmodSync(cache, 0o644);
    };
    widen();
    const found = await checksOf(env);
    expect(found.states['permissions']).toBe('warning');
    // Whatever reads them narrows them, and says so.
    expect(found.find('permissions')?.remedy).toMatch(/^nothing: km has narrowed it on the way/);
    widen();
    const fixed = await checksOf(env, '--fix');
    expect(fixed.code).toBe(0);
    expect(fixed.find('permissions')).toMatchObject({ state: 'ok' });
    expect(statSync(configFolder(env)).mode & 0o777).toBe(0o700);
    expect(statSync(cache).mode & 0o777).toBe(0o600);
  });

  test('says who holds the lock', async () => {
    const events: ApiEvent[] = [];
    const trouble = ['path=/api/auth/token,latency=30s,count=1'];
    const api = await startApi({ trouble, onEvent: (event) => events.push(event) });
    const env = accountAt(api.url);
    const km = startKm(['auth', 'refresh'], env);
    await until('it waits for the API', () => events.some(({ type }) => type === 'trouble.applied'));
    const { find } = await checksOf(env);
    expect(find('lock')).toMatchObject({ state: 'warning' });
    expect(find('lock')?.detail).toContain(String(km.child.pid));
  });

  test.each([
    ['body=html', /answered with something that is not the API's/, /a portal that wants a login/],
    ['body=json:{"status":"draining"}', /says that it is draining/, /^wait: /],
    ['body=json:[]', /answered with something that is not the API's/, /whether the endpoint is the API/],
  ])('takes no other answer than that it is healthy: %s', async (trouble, detail, remedy) => {
    const api = await startApi({ trouble: [`path=/health,count=inf,${trouble}`] });
    const { code, states, find } = await checksOf(accountAt(api.url));
    expect([code, states['endpoint']]).toEqual([1, 'failed']);
    expect(find('endpoint')?.detail).toMatch(detail);
    expect(find('endpoint')?.remedy).toMatch(remedy);
    // The clock of a portal is not that of the API.
    expect(find('clock') === undefined).toBe(trouble === 'body=html');
  });

  test('tells of each profile, and only the active one can fail', async () => {
    const api = await startApi();
    const env = environment();
    const login = ['auth', 'login', '--api-key-stdin', '--endpoint', api.url];
    await runKm(login, { env, input: API_KEY });
    await runKm(['init', '--profile', 'later', '--endpoint', api.url], { env });
    const { code, checks } = await checksOf(env);
    expect(code).toBe(0);
    expect(checks.filter(({ name }) => name === 'login').map(({ state }) => state)).toEqual([
      'ok',
      'warning',
    ]);
    expect((await checksOf(env, '--profile', 'later')).code).toBe(1);
  });

  test('finds a setting out of its range, and says where it is', async () => {
    const env = environment({
      KILOMETERS_API_ENDPOINT: 'http://127.0.0.1:9',
      KM_CONFIG_DIR: temporaryFolder(),
    });
    const byVariable = await checksOf({ ...env, KM_MAX_RETRIES: '999' });
    expect(byVariable.find('settings')).toMatchObject({
      state: 'failed',
      detail: 'KM_MAX_RETRIES is "999": it must be a whole number from 0 to 100',
    });
    const file = join(env['KM_CONFIG_DIR'] ?? '', 'config.json');
    writeFileSync(file, '{"profiles": {\n  "default": {"retryInterval": "2d"}}}', { mode: 0o600 });
    const said = `${file}:2:32: profiles.default.retryInterval: it must be a duration in quotes`;
    const inFile = (await checksOf(env)).find('config');
    expect(inFile).toMatchObject({ state: 'failed', detail: expect.stringContaining(said) as string });
    const token = await runKm(['auth', 'token'], { env });
    expect(token).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(said) as string });
  });

  test('names no key and no token', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const token = await runKm(['auth', 'token'], { env });
    const { stdout, stderr } = await runKm(['doctor'], { env: { ...env, KM_DEBUG: 'true' } });

    expect(stdout + stderr).not.toContain(token.stdout.trim());
    expect(stdout + stderr).not.toContain(API_KEY);
  });

  test('fits into 40 columns, as far as words do', async () => {
    const api = await startApi();
    const env = { ...accountAt(api.url), KM_CONFIG_DIR: temporaryFolder() };
    const terminal = startOnTerminal(['doctor'], { env, columns: 40 });
    expect(await terminal.ended).toMatchObject({ code: 0 });
    expect(tooWide(terminal, 40)).toEqual([]);
    expect(terminal.raw()).toContain('\u001b[32mok\u001b[39m');
  });
});
