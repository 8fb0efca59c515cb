import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { generateKeyPairSync } from 'node:crypto';
import { userCodeIn } from './support/device-page.js';
import { temporaryFolder } from './support/folder.js';
import { environment, runKm, startKm } from './support/km.js';
import { CLI, confidentialCli, keyedService, ODD_SECRET, service } from './support/oauth-clients.js';
import { at, kilometersFolder, logInByWeb, startWebLogin } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';
import { CTRL_C, startOnTerminal } from './support/terminal.js';
import { until } from './support/until.js';
import { WebPerson } from './support/web-person.js';

const WEB = ['--web', '--scope', 'openid offline_access read'];

/** The address to which the browser is to come back, with `parameters`. */
function callback(link: string, parameters: Readonly<Record<string, string>>): URL {
  const url = new URL(new URL(link).searchParams.get('redirect_uri') ?? '');
  url.search = new URLSearchParams(parameters).toString();
  return url;
}

const stateOf = (link: string): string => new URL(link).searchParams.get('state') ?? '';

const isClosed = (url: URL): Promise<boolean> =>
  fetch(url).then(
    () => false,
    () => true,
  );

/** What lies in the folders of km, in the clear. */
function storedText(env: Readonly<Record<string, string>>): string {
  const folder = kilometersFolder(env);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

describe('km auth login --issuer --web', () => {
  test('says which link to open, stores the login, and serves tokens for its scopes and fewer, without a human', async () => {
    const server = await startOAuthServer({ clients: [CLI], tokenTtl: 2 });
    const won = await logInByWeb([...at(server), ...WEB]);
    const { env } = won;
    expect(won).toMatchObject({ code: 0, stdout: '' });
    expect(won.page.text).toContain('You can close this tab');
    expect(won.stderr).toContain(`km: profile default is logged in to ${server.issuer}/`);
    expect(won.stderr).toContain('scopes: openid offline_access read\n');
    expect(await isClosed(callback(won.link, {}))).toBe(true);

    const seen = new Set<string>();
    await until('tokens of three lives', async () => {
      const token = await runKm(['auth', 'token'], { env });
      expect(token).toMatchObject({ code: 0, stderr: '' });
      return seen.add(token.stdout).size === 3;
    });
    const narrow = await runKm(['auth', 'token', '--scope', 'read', '--format', 'json'], { env });
    expect(JSON.parse(narrow.stdout)).toMatchObject({ scopes: ['read'] });
    expect(server.revoked()).toBe(0);
    const sent = server.seen.flatMap(({ body }) => body.get('refresh_token') ?? []);
    expect(new Set(sent).size).toBe(sent.length);
    const stored = storedText(env);
    for (const secret of [...seen, ...sent]) expect(stored).not.toContain(secret.trim());
  });

  test('remembers issuer, client and way: the same profile logs in again with no flag but its name', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env } = await logInByWeb(['--profile', 'corp', ...at(server), ...WEB]);
    const config = JSON.parse(readFileSync(join(kilometersFolder(env), 'config.json'), 'utf8')) as unknown;
    expect(config).toMatchObject({
      profiles: {
        corp: {
          provider: {
            issuer: server.issuer,
            clientId: 'cli',
            login: 'browser',
            scopes: ['openid', 'offline_access', 'read'],
          },
        },
      },
    });

    const outside = await runKm(['auth', 'token', '--profile', 'corp', '--scope', 'write'], { env });
    expect(outside).toMatchObject({ code: 4, stdout: '' });
    const command =
      /run `km (auth login --profile corp --scope offline_access --scope openid --scope read --scope write)`/.exec(
        outside.stderr,
      )?.[1] ?? '';
    const again = await logInByWeb(command.split(' ').slice(2), env);
    expect(again.code).toBe(0);
    expect(await runKm(['auth', 'token', '--profile', 'corp', '--scope', 'write'], { env })).toMatchObject({
      code: 0,
    });
    // The login that was replaced is over at the server, too.
    expect(server.revoked()).toBe(1);
  });

  test('status says who issues, what was granted of what was asked, and what is left; other commands work as ever', async () => {
    const server = await startOAuthServer({ clients: [{ ...CLI, scope: 'openid offline_access read' }] });
    const { env, stderr } = await logInByWeb([
      ...at(server),
      '--web',
      '--scope',
      'openid offline_access read',
    ]);
    expect(stderr).not.toContain('not granted');
    const status = await runKm(['auth', 'status', '--json'], { env });
    expect(JSON.parse(status.stdout)).toMatchObject({
      profiles: [
        {
          endpoint: server.issuer,
          credential: 'refresh_token',
          refreshesWithoutHuman: true,
          oauth: {
            issuer: server.issuer,
            clientId: 'cli',
            askedScopes: ['openid', 'offline_access', 'read'],
            grantedScopes: ['openid', 'offline_access', 'read'],
          },
        },
      ],
    });
    expect(await runKm(['auth', 'status'], { env })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ {2}issuer: \S+, client cli\n {2}scopes granted: openid/) as string,
    });
    expect(await runKm(['doctor'], { env })).toMatchObject({ code: 0 });
    const refreshed = await runKm(['auth', 'refresh', '--all'], { env });
    expect(refreshed).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('default: refreshed') as string,
    });
    const exec = await runKm(['auth', 'exec', '--', 'sh', '-c', 'printf %s "${#KM_TOKEN}"'], { env });
    expect(exec).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d\d+$/) as string });
    const profiles = await runKm(['auth', 'profiles', '--json'], { env });
    expect(JSON.parse(profiles.stdout)).toMatchObject({
      profiles: [{ name: 'default', issuer: server.issuer, credential: 'refresh_token' }],
    });
    const logout = await runKm(['auth', 'logout'], { env });
    expect(logout).toMatchObject({ code: 0, stderr: 'km: profile default: logged out\n' });
    expect(server.revoked()).toBe(1);
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 4 });
  });

  test('what the issuer grants less than was asked for is said', async () => {
    const server = await startOAuthServer({
      clients: [CLI],
      configuration: { issueRefreshToken: () => Promise.resolve(false) },
    });
    const won = await logInByWeb([...at(server), '--web', '--scope', 'openid read', '--scope', 'unknown']);
    expect(won.stderr).toMatch(/ {4}scopes: openid read\n {4}asked for, and not granted: unknown\n/);
    expect(won.stderr).toContain('km: the issuer gave no refresh token: this login ends in ');
    const status = await runKm(['auth', 'status'], { env: won.env });
    expect(status).toMatchObject({
      code: 4,
      stdout: expect.stringContaining('asked for, and not granted: unknown') as string,
      stderr: expect.stringMatching(/has no refresh token.*; run km auth login\n$/) as string,
    });
    expect(await runKm(['auth', 'token'], { env: won.env })).toMatchObject({ code: 0 });
  });

  test.each([
    ['of another login', { code: 'stolen', state: 'another' }],
    ['without a state', { code: 'stolen' }],
    ['that refuses, of another login', { error: 'access_denied', state: 'another' }],
  ] as readonly (readonly [string, Record<string, string>])[])(
    'an answer %s is not believed; that of the person still is',
    async (_what, parameters) => {
      const server = await startOAuthServer({ clients: [CLI] });
      const { km, link } = await startWebLogin([...at(server), ...WEB], environment());
      expect((await fetch(callback(link, parameters))).status).toBe(400);
      await until('km says so', () => km.stderr().includes('belongs to another login'));
      await new WebPerson().answer(link);
      expect(await km.ended).toMatchObject({ code: 0 });
    },
  );

  test('an answer of another issuer ends it, and the code goes to nobody', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const env = environment();
    const { km, link } = await startWebLogin([...at(server), ...WEB], env);
    const page = await fetch(
      callback(link, { code: 'x', state: stateOf(link), iss: 'https://evil.example' }),
    );
    expect(page.status).toBe(400);
    expect(await km.ended).toMatchObject({ code: 1 });
    expect(km.stderr()).toMatch(/not one of http:\S+ \(unexpected "iss".*nothing was stored\n$/s);
    expect(server.seen.filter(({ path }) => path === '/token')).toEqual([]);
    expect(existsSync(kilometersFolder(env))).toBe(false);
  });

  test('that the person cancels says what the server said, and stores nothing', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const env = environment();
    const { km, link } = await startWebLogin([...at(server), ...WEB], env);
    const page = await new WebPerson().answer(link, 'deny');
    expect(page).toMatchObject({ status: 400, text: expect.stringContaining('did not work out') as string });
    expect(await km.ended).toMatchObject({ code: 1 });
    expect(km.stderr()).toMatch(/access_denied \(End-User aborted interaction\).*nothing was stored\n$/s);
    expect(existsSync(kilometersFolder(env))).toBe(false);
  });

  test('the same answer a second time finds nobody there, and does the login no harm', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env, page } = await logInByWeb([...at(server), ...WEB]);
    expect(await isClosed(new URL(page.url))).toBe(true);
    expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
    expect(server.revoked()).toBe(0);
  });

  test('a port that is taken is named', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const server = await startOAuthServer({ clients: [CLI] });
    const redirect = `http://127.0.0.1:${String(port)}/callback`;
    const run = await runKm(['auth', 'login', ...at(server), ...WEB, '--redirect-uri', redirect]);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain(`127.0.0.1:${String(port)} (another program has this port`);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s gives it up, closes the port and leaves nothing behind', async (signal, code) => {
    const server = await startOAuthServer({ clients: [CLI] });
    const env = environment();
    const { km, link } = await startWebLogin([...at(server), ...WEB], env);
    km.child.kill(signal);
    expect(await km.ended).toEqual({ code, signal: null });
    expect(km.stderr()).toMatch(/km: the login was given up; nothing was stored\n$/);
    expect(await isClosed(callback(link, {}))).toBe(true);
    expect(existsSync(kilometersFolder(env))).toBe(false);
  });

  test('on a terminal the program that BROWSER names is given the link, and Ctrl-C gives up', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const folder = temporaryFolder();
    const browser = join(folder, 'browser');
    writeFileSync(browser, `#!/bin/sh\nprintf '%s' "$1" > ${folder}/link\n`, { mode: 0o755 });
    const env = environment({ BROWSER: browser });
    const km = startOnTerminal(['auth', 'login', ...at(server), ...WEB], { env, columns: 400 });
    await km.shows('your browser is being opened');
    const link = await until('the browser', () =>
      existsSync(join(folder, 'link')) ? readFileSync(join(folder, 'link'), 'utf8') : '',
    );
    expect(km.shown()).toContain(link);
    km.type(CTRL_C);
    expect(await km.ended).toMatchObject({ code: 130 });
    expect(km.shown()).toContain('the login was given up; nothing was stored');
    expect(await isClosed(callback(link, {}))).toBe(true);
  });

  test('a token that is granted in the moment of giving up is given back', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    server.next({ slowMs: 700 });
    const env = environment();
    const { km, link } = await startWebLogin([...at(server), ...WEB], env);
    const answered = new WebPerson().answer(link);
    await until('the code is sent', () => server.seen.some(({ path }) => path === '/token'));
    km.child.kill('SIGINT');
    await answered;
    expect(await km.ended).toMatchObject({ code: 130 });
    expect(server.revoked()).toBe(1);
    expect(existsSync(kilometersFolder(env))).toBe(false);
  });

  test('a 503 in the place of the tokens is ridden out', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    server.next({ status: 503, headers: { 'retry-after': '1' } });
    expect(await logInByWeb([...at(server), ...WEB])).toMatchObject({ code: 0 });
  });

  test('a client with a secret of odd characters logs a person in; the secret is sealed, and used again', async () => {
    const server = await startOAuthServer({ clients: [confidentialCli('client_secret_post')], tokenTtl: 1 });
    const env = environment();
    const args = [...at(server, 'confidential'), ...WEB, '--client-secret-stdin'];
    const km = startKm(['auth', 'login', ...args, '--client-auth', 'client_secret_post'], env);
    km.child.stdin.end(ODD_SECRET);
    const link = await until('the link', () => /^ {4}(http:\S+)$/m.exec(km.stderr())?.[1] ?? '');
    await new WebPerson().answer(link);
    expect(await km.ended).toMatchObject({ code: 0 });
    expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
    expect(storedText(env)).not.toContain(ODD_SECRET);
    expect((await logInByWeb([], env)).code).toBe(0);
  });
});

describe('km auth login --issuer --device', () => {
  test('logs in with a code, at a server that does not say how often to ask', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const won = await logInByWeb([...at(server), '--device', '--scope', 'openid offline_access read']);
    expect(won.code).toBe(0);
    expect(userCodeIn(won.stderr)).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
    expect(await runKm(['auth', 'refresh'], { env: won.env })).toMatchObject({ code: 0 });
    expect(server.revoked()).toBe(0);
  });

  test('Ctrl-C gives it up at once', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const env = environment();
    const { km } = await startWebLogin([...at(server), '--device'], env);
    km.child.kill('SIGINT');
    expect(await km.ended).toEqual({ code: 130, signal: null });
    expect(existsSync(kilometersFolder(env))).toBe(false);
  });
});

describe('km auth login --issuer as a client', () => {
  test.each(['client_secret_basic', 'client_secret_post'] as const)(
    'with a secret by %s mints tokens again and again, until it is logged out',
    async (method) => {
      const server = await startOAuthServer({ clients: [service(method)], tokenTtl: 1 });
      const env = environment();
      const args = [...at(server, 'service'), '--client-secret-stdin', '--scope', 'read'];
      const won = await runKm(['auth', 'login', ...args, '--client-auth', method], {
        env,
        input: ODD_SECRET,
      });
      expect(won).toMatchObject({ code: 0, stdout: '' });
      expect(won.stderr).toContain(`logged in to ${server.issuer}/ as client service\n    scopes: read\n`);
      const seen = new Set<string>();
      await until(
        'two tokens',
        async () => seen.add((await runKm(['auth', 'token'], { env })).stdout).size === 2,
      );
      expect(storedText(env)).not.toContain(ODD_SECRET);
      expect(await runKm(['auth', 'logout'], { env })).toMatchObject({ code: 0 });
      expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 4 });
    },
  );

  test('with a key of its own', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' };
    const server = await startOAuthServer({ clients: [keyedService(jwk)] });
    const keyFile = join(temporaryFolder(), 'key.pem');
    writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const args = [...at(server, 'keyed'), '--client-key', keyFile, '--scope', 'read'];
    const won = await runKm(['auth', 'login', ...args]);
    expect(won).toMatchObject({ code: 0, stdout: '' });
  });

  test('with a wrong secret is refused in the words of the server, and nothing is stored', async () => {
    const server = await startOAuthServer({ clients: [service('client_secret_basic')] });
    const env = environment();
    const args = [...at(server, 'service'), '--client-secret-stdin'];
    const run = await runKm(['auth', 'login', ...args], { env, input: 'wrong' });
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/invalid_client \(client authentication failed\).*nothing was stored\n$/s);
    expect(existsSync(kilometersFolder(env))).toBe(false);
  });
});

describe('an issuer in the place of the Kilometers API', () => {
  test('that publishes nothing is logged in to by its endpoints', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])
      server.always(path, { status: 404 });
    const without = await runKm(['auth', 'login', ...at(server), ...WEB]);
    expect(without).toMatchObject({ code: 1 });
    expect(without.stderr).toMatch(/publishes no discovery document.*endpoints by hand/);
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
    expect(JSON.stringify(server.seen.map(({ body }) => body.toString()))).not.toContain('km_live_other');
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

  test('that cannot be reached at logout is told later', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env } = await logInByWeb([...at(server), ...WEB]);
    server.always('/token/revocation', 'dropped');
    const logout = await runKm(['auth', 'logout'], { env });
    expect(logout.code).toBe(0);
    expect(logout.stderr).toContain('could not be told yet');
    expect(server.revoked()).toBe(0);
    server.always('/token/revocation', undefined);
    await runKm(['queue', 'flush'], { env });
    expect(server.revoked()).toBe(1);
  });

  test.each([
    [['--web'], /--web is for another issuer.*give --issuer/],
    [['--issuer', 'https://id.example'], /give --client-id/],
    [['--issuer', 'https://id.example', '--client-id', 'x'], /say how to log in: --web, or --device/],
    [['--issuer', 'https://id.example', '--client-id', 'x', '--web', '--device'], /give one, not both/],
    [
      ['--issuer', 'https://id.example', '--client-id', 'x', '--api-key-stdin'],
      /an API key is for the Kilometers API/,
    ],
    [['--issuer', 'http://id.example', '--client-id', 'x', '--web'], /plain http/],
    [['--issuer', 'nothing', '--client-id', 'x', '--web'], /not a URL/],
  ])('%j is wrong, and nothing is asked', async (args, message) => {
    const run = await runKm(['auth', 'login', ...args]);
    expect(run.code).toBe(message.source.includes('plain') ? 1 : 2);
    expect(run.stderr).toMatch(message);
  });
});
