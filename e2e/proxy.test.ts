import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents } from './support/api.js';
import { API_HOST, startCorporateNetwork, type CorporateNetwork } from './support/corporate.js';
import { answerOnPage, userCodeIn } from './support/device-page.js';
import { API_KEY, environment, monitoring, runKm, startKm } from './support/km.js';
import { until } from './support/until.js';

const LOGIN = ['auth', 'login', '--api-key-stdin'];
const TRUSTING = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'] as const;

function inside(
  network: CorporateNetwork,
  variables: Readonly<Record<string, string>> = { SSL_CERT_FILE: network.authority },
): Record<string, string> {
  return environment({
    KILOMETERS_API_ENDPOINT: network.endpoint,
    HTTPS_PROXY: network.proxy.url,
    KM_MAX_RETRIES: '0',
    ...variables,
  });
}

describe('behind a proxy, with certificates of a private authority', () => {
  test.each(TRUSTING)(
    'every call of km works, with %s',
    async (variable) => {
      const api = await startApi({ deviceIntervalSeconds: 1 });
      const network = await startCorporateNetwork(api);
      const env = inside(network, { [variable]: network.authority });

      const login = await runKm(LOGIN, { env, input: API_KEY });
      expect(login).toMatchObject({ code: 0 });
      expect(login.stderr).toContain('features: ');
      expect(await runKm(['auth', 'token', '--scope', 'plugins'], { env })).toMatchObject({
        code: 0,
        stderr: '',
      });
      expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
      const doctor = await runKm(['doctor'], { env });
      expect(doctor).toMatchObject({ code: 0 });
      expect(doctor.stdout).toMatch(new RegExp(`^ok {7}tls: [^,]+,\\s[^,]+, and by\\s+${variable}$`, 'm'));
      expect(doctor.stdout).toContain(`proxy: ${network.proxy.host}, from HTTPS_PROXY`);

      expect(await runKm(['plugins', 'list'], { env })).toMatchObject({ code: 0, stderr: '' });
      expect(await runKm(['auth', 'status', '--check'], { env })).toMatchObject({ code: 0 });

      const km = startKm(monitoring('process.stdin.pipe(process.stdout)'), env);
      km.child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
      await until('the events', () => storedEvents(api).length > 0);
      km.child.stdin.end();
      expect(await km.ended).toMatchObject({ code: 0 });

      const device = startKm(['auth', 'login', '--device'], env);
      const code = await until('the code', () => {
        expect(device.child.exitCode, device.stderr()).toBeNull();
        return userCodeIn(device.stderr()) ?? '';
      });
      await answerOnPage(api, code, 'approve');
      expect(await device.ended).toMatchObject({ code: 0 });
      expect(await runKm(['auth', 'logout'], { env })).toMatchObject({ code: 0 });

      expect(new Set(network.requests())).toEqual(
        new Set([
          'POST /api/auth/token',
          'GET /api/user/features',
          'GET /health',
          'POST /api/plugins/manifest',
          'GET /api/auth/validate',
          'POST /api/events/batch',
          'POST /api/auth/device-code/start',
          'POST /api/auth/device-code/poll',
          'POST /api/auth/revoke',
        ]),
      );
      const version = (await runKm(['--version'])).stdout.trim();
      expect(new Set(network.products())).toEqual(new Set([`km/${version}`]));
      expect(new Set(network.tunnels())).toEqual(new Set([`${API_HOST}:443`]));
    },
    180_000,
  );

  test('answers that are packed on their way are read, and events are delivered', async () => {
    const api = await startApi();
    const network = await startCorporateNetwork(api, { isPacking: true });
    const env = inside(network);
    const login = await runKm(LOGIN, { env, input: API_KEY });
    expect(login).toMatchObject({ code: 0 });
    expect(login.stderr).toContain('features: ');
    expect(await runKm(['plugins', 'list'], { env })).toMatchObject({ code: 0, stderr: '' });

    const message = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';
    const monitored = await runKm(monitoring('process.stdin.pipe(process.stdout)'), { env, input: message });
    expect(monitored).toMatchObject({ code: 0, stdout: message, stderr: '' });
    expect(storedEvents(api)).toHaveLength(2);
    const { stdout } = await runKm(['queue', 'status', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ waiting: 0 });
  });

  test('a password with a percent sign is sent as it is written', async () => {
    const network = await startCorporateNetwork(await startApi(), { credentials: 'me:50%off' });
    const env = inside(network);
    expect(await runKm(LOGIN, { env, input: API_KEY })).toMatchObject({ code: 0 });
    expect(await runKm(['plugins', 'list'], { env })).toMatchObject({ code: 0, stderr: '' });
  });

  test('the proxy gets its user and password, and nobody sees the password', async () => {
    const network = await startCorporateNetwork(await startApi(), { credentials: 'me:hunter2' });
    const env = inside(network);
    expect(await runKm(LOGIN, { env, input: API_KEY })).toMatchObject({ code: 0 });
    const wrong = inside(network, {
      SSL_CERT_FILE: network.authority,
      HTTPS_PROXY: `http://me:hunter3@${network.proxy.host}`,
      KM_DEBUG: 'true',
    });
    const run = await runKm(LOGIN, { env: wrong, input: API_KEY });
    expect(run).toMatchObject({ code: 75, stdout: '' });
    expect(run.stderr).toContain('it answered 407; put user and password into its address');
    expect(run.stderr).not.toContain('hunter3');
  });

  test.each(['localhost', '127.0.0.1'])(
    'a proxy that speaks TLS itself, as %s, lets through',
    async (name) => {
      const network = await startCorporateNetwork(await startApi(), {
        secureProxy: name,
        credentials: 'me:hunter2',
      });
      const env = inside(network);
      expect(await runKm(LOGIN, { env, input: API_KEY })).toMatchObject({ code: 0 });
      expect(await runKm(['plugins', 'list'], { env })).toMatchObject({ code: 0, stderr: '' });
      expect(new Set(network.tunnels())).toEqual(new Set([`${API_HOST}:443`]));
    },
  );

  test('a proxy that speaks TLS with the certificate of another gets no password', async () => {
    const network = await startCorporateNetwork(await startApi(), {
      secureProxy: API_HOST,
      credentials: 'me:hunter2',
    });
    const url = network.proxy.url.replace(API_HOST, 'localhost');
    const env = inside(network, { SSL_CERT_FILE: network.authority, HTTPS_PROXY: url });
    const run = await runKm(LOGIN, { env, input: API_KEY });
    expect(run).toMatchObject({ code: 75, stdout: '' });
    expect(run.stderr).toMatch(/the proxy localhost:\d+ cannot be used: .*certificate's altnames/);
    expect(network.tunnels()).toEqual([]);
  });

  test.each([
    [
      'refuses',
      'HTTP/1.1 403 Forbidden\r\n\r\n',
      /the proxy 127\.0\.0\.1:\d+ does not let this through .* answered 403/,
    ],
    ['hangs up', '', /the proxy 127\.0\.0\.1:\d+ cannot be used: /],
    ['speaks no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n', /the proxy 127\.0\.0\.1:\d+ cannot be used: /],
  ])('a proxy that %s is named, and nothing is lost', async (_, answer, said) => {
    const network = await startCorporateNetwork(await startApi(), { refuse: (socket) => socket.end(answer) });
    const env = inside(network);
    const run = await runKm(LOGIN, { env, input: API_KEY });
    expect(run).toMatchObject({ code: 75, stdout: '' });
    expect(run.stderr).toMatch(said);
    expect(existsSync(join(env['HOME'] ?? '', '.config'))).toBe(false);
  });

  test('a server whose certificate nobody vouches for gets no key', async () => {
    const network = await startCorporateNetwork(await startApi());
    const run = await runKm(LOGIN, { env: inside(network, {}), input: API_KEY });
    expect(run).toMatchObject({ code: 75, stdout: '' });
    expect(run.stderr).toMatch(/certificate/);
    expect(network.requests()).toEqual([]);
  });

  test.each([
    [{ NO_PROXY: API_HOST }, /ENOTFOUND|EAI_AGAIN/],
    [{ HTTPS_PROXY: '', HTTP_PROXY: 'http://127.0.0.1:9' }, /ENOTFOUND|EAI_AGAIN/],
    [{ HTTPS_PROXY: 'socks5://127.0.0.1:9' }, /HTTPS_PROXY names a proxy that speaks socks5/],
    [{ HTTPS_PROXY: 'http://127.0.0.1:9' }, /the proxy 127\.0\.0\.1:9 cannot be used: connect ECONNREFUSED/],
    [{ SSL_CERT_FILE: '/nowhere.pem' }, /SSL_CERT_FILE cannot be read: ENOENT/],
    [{ SSL_CERT_FILE: '/etc/passwd' }, /SSL_CERT_FILE has no certificate in it/],
  ])('%o: says what is wrong', async (variables, said) => {
    const network = await startCorporateNetwork(await startApi());
    const env = inside(network, { SSL_CERT_FILE: network.authority, ...variables });
    const run = await runKm(LOGIN, { env, input: API_KEY });
    expect(run).toMatchObject({ code: 75, stdout: '' });
    expect(run.stderr).toMatch(said);
    expect(network.requests()).toEqual([]);
  });

  test('this machine is never reached through a proxy', async () => {
    const api = await startApi();
    const env = environment({
      KILOMETERS_API_ENDPOINT: api.url,
      HTTPS_PROXY: 'http://127.0.0.1:9',
      HTTP_PROXY: 'http://127.0.0.1:9',
      // The API is in this very process, which a busy machine may hold up.
      KM_REQUEST_TIMEOUT: '60s',
    });
    expect(await runKm(LOGIN, { env, input: API_KEY })).toMatchObject({ code: 0 });
  });
});
