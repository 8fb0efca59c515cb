import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HAS_REDIS } from '../packages/auth/test/support/redis-server.js';
import { startApi } from './support/api.js';
import { accountAt, API_KEY, environment, runKm, start, startKm } from './support/km.js';
import { makeCertificates } from './support/oauth-certificates.js';
import { startFleet, type Fleet } from './support/redis.js';
import { until } from './support/until.js';

const TOKEN = ['auth', 'token', '--scope', 'monitoring'];
const LOGIN = ['auth', 'login', '--api-key-stdin'];

/** The environment of another machine of the fleet: nothing is on its disk. */
const machineOf = (fleet: Fleet, variables: Readonly<Record<string, string>> = {}): Record<string, string> =>
  environment({ KM_CACHE_URL: fleet.url, KM_CACHE_KEY: fleet.key, ...variables });

describe.skipIf(!HAS_REDIS)('a Redis that speaks TLS', () => {
  test.each(['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'])(
    'serves machines that trust it by %s, and is named as what it is',
    async (variable) => {
      const certificates = makeCertificates();
      const [fleet, api] = [await startFleet({ certificates, password: 'the-password' }), await startApi()];
      const KM_CACHE_URL = fleet.url.replace('//', '//:the-password@');
      const machine = () => machineOf(fleet, { KM_CACHE_URL, [variable]: certificates.caFile });
      const login = await runKm([...LOGIN, '--endpoint', api.url], { env: machine(), input: API_KEY });
      expect(login).toMatchObject({ code: 0 });
      const tokens = [await runKm(TOKEN, { env: machine() }), await runKm(TOKEN, { env: machine() })];
      expect(tokens.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
        tokens.map(() => ({ code: 0, stderr: '' })),
      );
      expect(tokens[0]?.stdout).toBe(tokens[1]?.stdout);
      const env = machine();
      const status = await runKm(['auth', 'status', '--json'], { env });
      expect(JSON.parse(status.stdout)).toMatchObject({
        cache: { kind: 'redis', address: `${fleet.url}/0` },
      });
      const doctor = await runKm(['doctor'], { env });
      expect(doctor).toMatchObject({ code: 0 });
      expect(doctor.stdout.replaceAll(/\s+/g, ' ')).toContain(`cache: ${fleet.url}/0 opens: 1 logins`);
      expect(doctor.stdout + status.stdout).not.toContain('the-password');
    },
  );

  test('is not spoken to by who does not trust it, or without TLS, and the password stays here', async () => {
    const fleet = await startFleet({ certificates: makeCertificates(), password: 'the-password' });
    const url = fleet.url.replace('//', '//:the-password@');
    const stranger = await runKm(TOKEN, { env: machineOf(fleet, { KM_CACHE_URL: url }) });
    expect(stranger).toMatchObject({ code: 1, stdout: '' });
    expect(stranger.stderr).toContain('check the certificate (NODE_EXTRA_CA_CERTS)');
    const plain = await runKm(TOKEN, {
      env: machineOf(fleet, { KM_CACHE_URL: url.replace('rediss:', 'redis:') }),
    });
    expect(plain).toMatchObject({ code: 1, stdout: '' });
    expect(plain.stderr).toContain('and whether it must be rediss://');
    for (const { stderr } of [stranger, plain]) expect(stderr).not.toContain('the-password');
  });
});

/** Asks a Redis, and says when it knows that there is no answer, and when it ends. */
const ASKING = `
  import { createRedisCache } from '@kilometers/auth';
  const [url] = process.argv.slice(1);
  const cache = createRedisCache({ url, key: Buffer.alloc(32, 1).toString('base64'), timeoutMs: 3_000 });
  const key = { apiOrigin: 'https://api.example', profile: 'default', credential: 'login:' };
  const { code } = await cache.getGrant(key).catch((error) => error);
  const failedAtMs = performance.now();
  process.on('exit', () => console.log(JSON.stringify({ code, lingeredMs: performance.now() - failedAtMs })));
`;

test.each(['redis', 'rediss'])(
  'a program does not live on for a %s:// that answers nothing',
  async (scheme) => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const url = `${scheme}://127.0.0.1:${String((silent.address() as AddressInfo).port)}`;
    const program = start(process.execPath, ['--input-type=module', '--eval', ASKING, url], environment());
    expect(await program.ended, program.stderr()).toEqual({ code: 0, signal: null });
    const { code, lingeredMs } = JSON.parse(program.stdout().toString()) as Record<string, unknown>;
    expect(code).toBe('KM_AUTH_CACHE');
    // Who waits for the connection as long as the client does waits for 30 s.
    expect(lingeredMs).toBeLessThan(10_000);
  },
);

describe.skipIf(!HAS_REDIS)('a Redis that is started anew in the middle of a command', () => {
  test.each([
    ['has what it had', true],
    ['has lost all', false],
  ])('and %s costs no token: who asked has one, and so has the next', async (_, isDurable) => {
    const fleet = await startFleet({ isDurable });
    const api = await startApi({ trouble: ['path=/api/auth/token,latency=1500ms,count=1'] });
    const runner = () => accountAt(api.url, { KM_CACHE_URL: fleet.url, KM_CACHE_KEY: fleet.key });
    const km = startKm(TOKEN, runner());
    await until('km holds the lock', async () => (await fleet.raw.keys('km:*lock')).length > 0);
    await fleet.restart();
    expect(await km.ended, km.stderr()).toEqual({ code: 0, signal: null });
    expect(km.stdout().toString()).toMatch(/^\S+\n$/);
    const next = await runKm(TOKEN, { env: runner() });
    expect(next).toMatchObject({ code: 0, stderr: '' });
    expect(await fleet.raw.keys('km:*lock')).toEqual([]);
  });
});
