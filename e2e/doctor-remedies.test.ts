import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { checksOf, type Check } from './support/doctor.js';
import { accountAt, API_KEY, environment, runKm } from './support/km.js';
import { CAN_BE_NOBODY, startAsNobody } from './support/nobody.js';

async function remedyOf(name: string, env: Record<string, string>, ...flags: readonly string[]) {
  const { find } = await checksOf(env, ...flags);
  return find(name)?.remedy;
}

describe('what km doctor says to do', () => {
  test('about an endpoint that cannot be reached is where that endpoint came from', async () => {
    const api = await startApi();
    const env = environment();
    const login = ['auth', 'login', '--api-key-stdin', '--endpoint', api.url, '--profile', 'work'];
    await runKm(login, { env, input: API_KEY });
    await api.close();
    const check = 'check the network, and ';
    expect(await remedyOf('endpoint', env, '--profile', 'work')).toBe(
      `${check}the apiEndpoint of profile work in config.json`,
    );
    expect(await remedyOf('endpoint', env, '--endpoint', api.url)).toBe(`${check}--endpoint`);
    const variable = { ...env, KILOMETERS_API_ENDPOINT: api.url };
    expect(await remedyOf('endpoint', variable)).toBe(`${check}KILOMETERS_API_ENDPOINT`);
  });

  test('about files that others can get at is nothing, where they were narrowed on the way', async () => {
    const env = accountAt((await startApi()).url);
    await runKm(['auth', 'token'], { env });
    const folder = join(env['HOME'] ?? '', '.config', 'kilometers');
    chmodSync(folder, 0o755);
    chmodSync(join(folder, '.auth_cache'), 0o644);
    // Nothing is asked of an issuer here, so nobody reads what is kept of one.
    writeFileSync(join(folder, '.discovery'), '{}');
    chmodSync(join(folder, '.discovery'), 0o644);
    const { stdout } = await runKm(['doctor', '--json'], { env });
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly Check[] };
    const permissions = checks.filter(({ name }) => name === 'permissions');
    const nothing = 'nothing: km has narrowed it on the way, as whatever reads it does';
    expect(permissions.map(({ remedy }) => remedy)).toEqual([nothing, nothing, 'run km doctor --fix']);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, '.discovery')).mode & 0o777).toBe(0o644);
    expect(checks.filter(({ name }) => name === 'cache')).toMatchObject([{ state: 'ok', remedy: null }]);
  });

  test.runIf(CAN_BE_NOBODY)('about a folder that this user may not enter is to let them in', async () => {
    const { HOME: home = '', ...env } = environment();
    const closed = join(home, 'closed');
    chmodSync(home, 0o755);
    mkdirSync(closed, { mode: 0o700 });
    const km = startAsNobody(['doctor', '--json'], { ...env, KM_CONFIG_DIR: join(closed, 'kilometers') });
    expect(await km.ended).toMatchObject({ code: 1 });
    const { checks } = JSON.parse(km.stdout().toString()) as { readonly checks: readonly Check[] };
    expect(checks.find(({ name }) => name === 'permissions')?.remedy).toBe(
      `let this user enter ${closed}, or set KM_CONFIG_DIR to another folder`,
    );
  });

  test('about tokens that stay in memory is what keeps them there', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    expect(await remedyOf('cache', { ...env, KM_NO_TOKEN_CACHE: '1' })).toBe('unset KM_NO_TOKEN_CACHE');
    expect(await remedyOf('cache', { ...env, HOME: '' })).toBe('set KM_CONFIG_DIR to a folder for them');
  });
});
