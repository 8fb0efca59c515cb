import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { pathWith } from './support/command-folder.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, runKm, start } from './support/km.js';
import { listen } from './support/listen.js';
import { can } from './support/login-system.js';
import { CLI } from './support/oauth-clients.js';
import { at, logInByWeb, WEB } from './support/oauth-km.js';
import { JWT_API, startOAuthServer } from './support/oauth-server.js';
import { flawsBySchema } from './support/schema.js';
import { isValid } from './support/validate.js';

const TOKEN = ['auth', 'token', '--scope', 'monitoring'];
const DOCKER = [...TOKEN, '--format', 'docker'];

describe('km auth token --format docker', () => {
  test('speaks the protocol of credential helpers', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const ask = (action: string, input: string, ...flags: string[]) =>
      runKm([...DOCKER, ...flags, action], { env, input });

    const got = await ask('get', `${api.url}\n`);
    expect(got).toMatchObject({ code: 0, stderr: '' });
    expect(flawsBySchema('auth-token.docker', got.stdout)).toEqual([]);
    const answer = JSON.parse(got.stdout) as Record<string, string>;
    expect(answer).toMatchObject({ ServerURL: api.url, Username: 'oauth2' });
    expect(await isValid(api.url, answer['Secret'] ?? '')).toBe(true);

    // What a `docker login` gives back is no news; a foreign password is not kept.
    expect(await ask('store', got.stdout)).toMatchObject({ code: 0, stdout: '' });
    const foreign = await ask('store', JSON.stringify({ ...answer, Secret: 'mine' }));
    expect(foreign.code).toBe(1);
    expect(foreign.stdout).toContain('keeps no other password');

    const named = await ask(
      'get',
      'registry.example:5000',
      '--host',
      'registry.example:5000',
      '--username',
      'me',
    );
    expect(JSON.parse(named.stdout)).toMatchObject({ ServerURL: 'registry.example:5000', Username: 'me' });
    const list = await ask('list', '', '--host', 'registry.example');
    expect(JSON.parse(list.stdout)).toEqual({ [api.url]: 'oauth2', 'https://registry.example': 'oauth2' });
    expect((await ask('version', '')).stdout).toMatch(/^docker-credential-km \d/);
  });

  test.each(['https://index.docker.io/v1/', 'registry.example:5001', 'evilregistry.example', 'no host', ''])(
    'has nothing for another server: %j',
    async (server) => {
      const api = await startApi();
      const args = [...DOCKER, '--host', 'registry.example', 'get'];
      const run = await runKm(args, { env: accountAt(api.url), input: server });
      expect(run).toMatchObject({
        code: 1,
        stdout: 'credentials not found in native keychain\n',
        stderr: '',
      });
    },
  );

  test('after erase gives another token', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const before = (await runKm(TOKEN, { env })).stdout;
    expect(await runKm([...DOCKER, 'erase'], { env, input: api.url })).toMatchObject({ code: 0, stdout: '' });
    expect((await runKm(TOKEN, { env })).stdout).not.toBe(before);
  });

  test('after erase gives another token of a login that is for one API of its issuer, too', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env } = await logInByWeb([...at(server), ...WEB, '--resource', JWT_API]);
    const token = ['auth', 'token'];
    const before = await runKm(token, { env });
    const erase = [...token, '--format', 'docker', 'erase'];
    expect(await runKm(erase, { env, input: server.issuer })).toMatchObject({ code: 0, stdout: '' });
    const after = await runKm(token, { env });
    expect([before.code, after.code]).toEqual([0, 0]);
    expect(after.stdout).not.toBe(before.stdout);
  });

  test('without a login says so where docker reads it', async () => {
    const run = await runKm([...DOCKER, 'get'], { input: 'api.kilometers.ai' });
    expect(run.code).toBe(4);
    expect(run.stdout).toContain('km auth login');
  });

  test.skipIf(!can('docker', 'docker', '--version'))('lets a real docker see a manifest', async () => {
    const api = await startApi();
    const seen: string[] = [];
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: {
        mediaType: 'application/vnd.docker.container.image.v1+json',
        size: 2,
        digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
      },
      layers: [],
    });
    const port = await listen(
      createServer((request, response) => {
        const [, encoded = ''] = /^Basic (.*)$/.exec(request.headers.authorization ?? '') ?? [];
        const [user = '', password = ''] = Buffer.from(encoded, 'base64').toString().split(':');
        if (password === '') {
          response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end();
          return;
        }
        seen.push(user, password);
        const isBlob = request.url?.includes('/blobs/') === true;
        response.setHeader('content-type', 'application/vnd.docker.distribution.manifest.v2+json');
        response.end(isBlob ? '{}' : manifest);
      }),
    );
    const registry = `127.0.0.1:${port}`;
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ credHelpers: { [registry]: 'km' } }));
    const path = pathWith(
      'docker-credential-km',
      `exec km auth token --scope monitoring --format docker --host ${registry} "$@"`,
    );
    const args = ['--config', folder, 'manifest', 'inspect', '--insecure', `${registry}/image:latest`];
    const docker = start('docker', args, { ...accountAt(api.url), PATH: path });
    expect(await docker.ended, docker.stderr()).toEqual({ code: 0, signal: null });
    expect(seen[0]).toBe('oauth2');
    expect(await isValid(api.url, seen[1] ?? '')).toBe(true);
  });
});
