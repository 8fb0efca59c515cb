import { describe, expect, test } from 'vitest';
import { HAS_REDIS } from '../packages/auth/test/support/redis-server.js';
import { startApi } from './support/api.js';
import { API_KEY, environment, runKm } from './support/km.js';
import { CLI, ODD_SECRET, service } from './support/oauth-clients.js';
import { at, logInByWeb } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';
import { startFleet, type Fleet } from './support/redis.js';
import { flawsBySchema } from './support/schema.js';

const SCOPES = ['--scope', 'openid offline_access read'];

/** The environment of another machine of the fleet: nothing is on its disk. */
const machineOf = (fleet: Fleet): Record<string, string> =>
  environment({ KM_CACHE_URL: fleet.url, KM_CACHE_KEY: fleet.key });

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

describe.skipIf(!HAS_REDIS)('a login at another issuer that is kept in Redis', () => {
  test('serves every machine, is refreshed once for all, and is told by status and doctor of each', async () => {
    const [fleet, server] = [await startFleet(), await startOAuthServer({ clients: [CLI], tokenTtl: 600 })];
    const first = machineOf(fleet);
    const login = await logInByWeb([...at(server), '--web', ...SCOPES], first);
    expect(login).toMatchObject({ code: 0, stdout: '' });

    const others = Array.from({ length: 4 }, () => machineOf(fleet));
    const tokens = await Promise.all(others.map((env) => runKm(['auth', 'token'], { env })));
    expect(tokens.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      tokens.map(() => ({ code: 0, stderr: '' })),
    );
    expect(new Set(tokens.map(({ stdout }) => stdout)).size).toBe(1);
    const refreshed = await Promise.all(
      others.map((env) => runKm(['auth', 'refresh', '--all', '--if-due'], { env })),
    );
    expect(refreshed.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(server.revoked()).toBe(0);

    for (const env of [first, ...others.slice(0, 1)]) {
      const status = await runKm(['auth', 'status', '--json', '--check'], { env });
      expect(status.code).toBe(0);
      expect(flawsBySchema('auth-status', status.stdout)).toEqual([]);
      expect(JSON.parse(status.stdout)).toMatchObject({
        profiles: [
          {
            endpoint: server.issuer,
            credential: 'refresh_token',
            refreshesWithoutHuman: true,
            oauth: { issuer: server.issuer, clientId: 'cli' },
            checks: expect.arrayContaining([
              { what: 'refresh_token', scope: null, isActive: true, failure: null, remedy: null },
            ]) as unknown,
          },
        ],
        cache: { kind: 'redis', keySource: 'environment' },
      });
      const doctor = await runKm(['doctor'], { env });
      expect(doctor).toMatchObject({ code: 0 });
      const said = oneLine(doctor.stdout);
      expect(said).toContain(`cache: ${fleet.url}/0 opens`);
      expect(said).toContain(`endpoint: ${server.issuer}/.well-known/openid-configuration answers`);
    }

    expect(await runKm(['auth', 'logout'], { env: others[1]! })).toMatchObject({ code: 0 });
    expect(server.revoked()).toBe(1);
    for (const env of [first, others[0]!]) {
      expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 4, stdout: '' });
      expect(await runKm(['auth', 'status'], { env })).toMatchObject({ code: 4 });
    }
    expect(await fleet.raw.hlen('km:logins')).toBe(0);
  });

  test('is made again at that issuer from any machine, and serves the others as before', async () => {
    const [fleet, server] = [await startFleet(), await startOAuthServer({ clients: [CLI], tokenTtl: 600 })];
    const [first, other] = [machineOf(fleet), machineOf(fleet)];
    expect(await logInByWeb([...at(server), '--web', ...SCOPES], first)).toMatchObject({ code: 0 });
    const profiles = await runKm(['auth', 'profiles', '--json'], { env: other });
    expect(JSON.parse(profiles.stdout)).toMatchObject({ profiles: [{ issuer: server.issuer }] });
    expect(await logInByWeb([], other)).toMatchObject({ code: 0 });
    expect(server.revoked()).toBe(0);
    for (const env of [first, other, machineOf(fleet)])
      expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
  });

  test('of a client brings its secret to every machine, sealed', async () => {
    const clients = [service('client_secret_basic')];
    const [fleet, server] = [await startFleet(), await startOAuthServer({ clients })];
    const login = ['auth', 'login', ...at(server, 'service'), '--client-secret-stdin', '--scope', 'read'];
    expect(await runKm(login, { env: machineOf(fleet), input: ODD_SECRET })).toMatchObject({ code: 0 });
    const env = machineOf(fleet);
    expect(await runKm(['auth', 'refresh', '--all'], { env })).toMatchObject({ code: 0 });
    const status = await runKm(['auth', 'status', '--json'], { env });
    expect(JSON.parse(status.stdout)).toMatchObject({
      profiles: [{ credential: 'client_credentials', oauth: { clientId: 'service' } }],
    });
    const kept = JSON.stringify([await fleet.raw.hgetall('km:logins'), status.stdout]);
    expect(kept).not.toContain(ODD_SECRET);
  });

  test('is replaced by km init with --force only, though only the login says who its issuer is', async () => {
    const [fleet, server] = [await startFleet(), await startOAuthServer({ clients: [CLI] })];
    expect(await logInByWeb([...at(server), '--web', ...SCOPES], machineOf(fleet))).toMatchObject({
      code: 0,
    });
    const api = await startApi();
    const env = machineOf(fleet);
    const args = ['init', '--api-key', API_KEY, '--endpoint', api.url];
    const init = await runKm(args, { env });
    expect(init).toMatchObject({ code: 1, stdout: '' });
    expect(init.stderr).toContain(`profile default logs in at ${server.issuer}, and stays as it is`);
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0 });
    expect(server.revoked()).toBe(0);
    expect(await runKm([...args, '--force'], { env })).toMatchObject({ code: 0 });
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stderr: '' });
    expect(server.revoked()).toBe(1);
  });
});
