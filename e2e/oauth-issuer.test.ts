import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { environment, runKm } from './support/km.js';
import { CLI } from './support/oauth-clients.js';
import { at, kilometersFolder, logInByWeb, WEB } from './support/oauth-km.js';
import { startOAuthServer, type Trouble } from './support/oauth-server.js';

const ELSEWHERE = ['--issuer', 'https://id.example', '--client-id', 'x'];

describe('an issuer in the place of the Kilometers API', () => {
  test('that publishes nothing is logged in to by its endpoints', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])
      server.always(path, { status: 404 });
    const without = await runKm(['auth', 'login', ...at(server), ...WEB]);
    expect(without).toMatchObject({ code: 1 });
    expect(without.stderr).toMatch(/publishes no discovery document.*endpoints by hand.*--token-endpoint/);
    const { issuer } = server;
    const by = ['--token-endpoint', `${issuer}/token`, '--authorization-endpoint', `${issuer}/auth`];
    const won = await logInByWeb([
      ...at(server),
      ...WEB,
      ...by,
      '--revocation-endpoint',
      `${issuer}/token/revocation`,
    ]);
    expect(won.code).toBe(0);
    expect(await runKm(['auth', 'refresh'], { env: won.env })).toMatchObject({ code: 0 });
    expect(await runKm(['auth', 'logout'], { env: won.env })).toMatchObject({ code: 0 });
    expect(server.revoked()).toBe(1);
  });

  test('is not sent the API key of the Kilometers API, nor asked in its place', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const env = environment({
      KILOMETERS_API_KEY: 'km_live_other',
      KILOMETERS_API_ENDPOINT: 'https://api.example',
    });
    const won = await logInByWeb([...at(server), ...WEB], env);
    expect(won.code).toBe(0);
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stderr: '' });
    expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
    // As on another machine of a fleet, where only the login says that there is an issuer.
    rmSync(join(kilometersFolder(env), 'config.json'));
    const { KILOMETERS_API_ENDPOINT: _endpoint, ...elsewhere } = env;
    expect(await runKm(['auth', 'refresh'], { env: elsewhere })).toMatchObject({ code: 0 });
    expect(await runKm(['auth', 'token'], { env: elsewhere })).toMatchObject({ code: 0, stderr: '' });
    expect(server.refreshes()).toBe(2);
    expect(JSON.stringify(server.seen.map(({ body }) => body.toString()))).not.toContain('km_live_other');
  });

  test('is logged in to again where only the login from before names it, and the Kilometers API is not', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env } = await logInByWeb([...at(server), ...WEB]);
    // As on another machine of a fleet.
    const configuration = join(kilometersFolder(env), 'config.json');
    const before = readFileSync(configuration, 'utf8');
    rmSync(configuration);
    const { stdout } = await runKm(['auth', 'profiles', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ profiles: [{ issuer: server.issuer }] });
    const byKey = await runKm(['auth', 'login', '--api-key-stdin'], { env, input: 'km_live_other' });
    expect(byKey).toMatchObject({ code: 2, stdout: '' });
    expect(byKey.stderr).toContain(`this profile logs in at ${server.issuer}`);
    expect(await logInByWeb([], env)).toMatchObject({ code: 0 });
    // It may be the same grant at the issuer.
    expect(server.revoked()).toBe(0);
    expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(configuration, 'utf8'))).toEqual(JSON.parse(before));
  });

  test('whose settings were changed by hand is not used with the login from before', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env } = await logInByWeb([...at(server), ...WEB]);
    const path = join(kilometersFolder(env), 'config.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"cli"', '"another"'));
    const token = await runKm(['auth', 'token'], { env });
    expect(token).toMatchObject({ code: 4, stdout: '' });
    expect(token.stderr).toContain('is not the one that was logged in to; that login is not used');
  });

  test('of which config.json says something wrong is logged in to by flags that say it right', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env } = await logInByWeb([...at(server), ...WEB]);
    const path = join(kilometersFolder(env), 'config.json');
    const configuration = JSON.parse(readFileSync(path, 'utf8')) as {
      profiles: { default: { provider: object } };
    };
    const wrong = { audience: '', prompt: '', scopes: 'read', login: 'by-foot' };
    Object.assign(configuration.profiles.default.provider, wrong);
    writeFileSync(path, JSON.stringify(configuration));
    const without = await runKm(['auth', 'login', '--prompt', 'consent', ...WEB], { env });
    expect(without).toMatchObject({ code: 1, stdout: '' });
    expect(without.stderr).toContain('provider.audience in config.json must be a text');
    const right = ['--audience', 'api', '--prompt', 'consent'];
    expect(await logInByWeb([...right, ...WEB], env)).toMatchObject({ code: 0 });
    expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
  });

  test.each<[string, Trouble]>([
    ['cannot be reached', 'dropped'],
    [
      'is behind a captive portal',
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>sign in</html>' },
    ],
  ])('that %s at logout is told later', async (_, trouble) => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env } = await logInByWeb([...at(server), ...WEB]);
    server.always('/token/revocation', trouble);
    const logout = await runKm(['auth', 'logout'], { env });
    expect(logout.code).toBe(0);
    expect(logout.stderr).toContain('could not be told yet');
    expect(server.revoked()).toBe(0);
    server.always('/token/revocation', undefined);
    await runKm(['queue', 'flush'], { env });
    expect(server.revoked()).toBe(1);
  });

  test.each([
    [['--device', '--dpop'], /--dpop is for another issuer.*give --issuer/],
    [['--issuer', 'https://id.example'], /give --client-id/],
    [['--issuer', 'https://id.example', '--client-id', 'x'], /say how to log in: --web, or --device/],
    [['--issuer', 'https://id.example', '--client-id', 'x', '--web', '--device'], /give one, not both/],
    [
      ['--issuer', 'https://id.example', '--client-id', 'x', '--api-key-stdin'],
      /an API key is for the Kilometers API/,
    ],
    [['--issuer', 'http://id.example', '--client-id', 'x', '--web'], /plain http/],
    [['--issuer', 'nothing', '--client-id', 'x', '--web'], /not a URL/],
    [[...ELSEWHERE, '--web', '--scope', 'read', '--scope', ''], /--scope is empty/],
    [[...ELSEWHERE, '--web', '--audience', ''], /--audience is empty/],
    [[...ELSEWHERE, '--web', '--prompt', ''], /--prompt is empty/],
    [[...ELSEWHERE, '--web', '--resource', 'urn:one', '--resource', ''], /--resource is empty/],
    [[...ELSEWHERE, '--device', '--redirect-uri', ''], /--redirect-uri is empty/],
    [[...ELSEWHERE, '--client-key', ''], /--client-key is empty/],
    [[...ELSEWHERE, '--web', '--token-endpoint', ''], /--token-endpoint is empty/],
  ])('%j is wrong, and nothing is asked', async (args, message) => {
    const run = await runKm(['auth', 'login', ...args]);
    expect(run.code).toBe(message.source.includes('plain') ? 1 : 2);
    expect(run.stderr).toMatch(message);
  });
});
