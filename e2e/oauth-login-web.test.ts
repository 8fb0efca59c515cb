import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { environment, runKm, startKm } from './support/km.js';
import { CLI, confidentialCli, ODD_SECRET } from './support/oauth-clients.js';
import { at, callback, isClosed, kilometersFolder, logInByWeb, storedText, WEB } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';
import { until } from './support/until.js';
import { WebPerson } from './support/web-person.js';

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
    // Of the login that was replaced only this machine knows that it is over: the server may keep both as one grant.
    expect(server.revoked()).toBe(0);
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
