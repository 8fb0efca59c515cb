import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fromProcess } from '@aws-sdk/credential-provider-process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startApi } from './support/api.js';
import { pathWith, pathWithKm } from './support/command-folder.js';
import { temporaryFolder } from './support/folder.js';
import { KM, accountAt, environment, runKm, start } from './support/km.js';
import { can, run } from './support/login-system.js';
import { flawsBySchema } from './support/schema.js';
import { isValid } from './support/validate.js';

const TOKEN = ['auth', 'token', '--scope', 'monitoring'];
const DOCKER = [...TOKEN, '--format', 'docker'];

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A TLS server with a certificate of its own making. */
function tlsServer(listener: RequestListener): Server {
  const folder = temporaryFolder();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['-x509', '-newkey', 'ed25519', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1'];
  run('openssl', 'req', ...made, '-keyout', key, '-out', cert);
  return createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, listener);
}

describe('km auth token --format json', () => {
  test('is as the schema has it', async () => {
    const api = await startApi();
    const { stdout } = await runKm([...TOKEN, '--format', 'json'], { env: accountAt(api.url) });
    expect(flawsBySchema('auth-token', stdout)).toEqual([]);
  });
});

describe('km auth token --format header', () => {
  test.skipIf(!can('curl -H', 'curl', '--version'))('is what a real curl -H takes', async () => {
    const api = await startApi();
    const script = `curl -sSf -H "$(km auth token --format header)" ${api.url}/api/auth/validate`;
    const shell = start('sh', ['-c', script], { ...accountAt(api.url), PATH: pathWithKm() });
    expect(await shell.ended).toEqual({ code: 0, signal: null });
    expect(JSON.parse(shell.stdout().toString())).toMatchObject({ valid: true });
  });
});

describe('km auth token --format k8s', () => {
  const K8S = [...TOKEN, '--format', 'k8s'];

  test('is an ExecCredential that makes kubectl ask again at the refresh point', async () => {
    const api = await startApi({ tokenTtlMs: 3_600_000 });
    const { code, stdout } = await runKm(K8S, { env: accountAt(api.url, { KM_REFRESH_AHEAD: '20m' }) });
    expect(code).toBe(0);
    expect(flawsBySchema('auth-token.k8s', stdout)).toEqual([]);
    const { status } = JSON.parse(stdout) as { status: { token: string; expirationTimestamp: string } };
    expect(await isValid(api.url, status.token)).toBe(true);
    const askInMinutes = (Date.parse(status.expirationTimestamp) - Date.now()) / 60_000;
    expect(askInMinutes).toBeGreaterThan(39);
    expect(askInMinutes).toBeLessThanOrEqual(40);
  });

  test('speaks the version that kubectl asks for, and fails on one that it does not know', async () => {
    const api = await startApi();
    const ask = (info: string) => runKm(K8S, { env: accountAt(api.url, { KUBERNETES_EXEC_INFO: info }) });
    for (const version of ['v1', 'v1beta1']) {
      const apiVersion = `client.authentication.k8s.io/${version}`;
      const { stdout } = await ask(JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: {} }));
      expect(JSON.parse(stdout)).toMatchObject({ apiVersion });
    }
    for (const info of ['{"apiVersion":"client.authentication.k8s.io/v1alpha1"}', '{}', 'null', 'v1']) {
      const run = await ask(info);
      expect(run).toMatchObject({ code: 1, stdout: '' });
      expect(run.stderr).toMatch(/^km: KUBERNETES_EXEC_INFO [^\n]+\n$/);
    }
  });

  const canTry = can('kubectl', 'kubectl', 'version', '--client') && can('kubectl', 'openssl', 'version');
  test.skipIf(!canTry)('lets a real kubectl in', async () => {
    const api = await startApi();
    const seen: (string | undefined)[] = [];
    const cluster = await listen(
      tlsServer((request, response) => {
        seen.push(request.headers.authorization);
        response.setHeader('content-type', 'application/json');
        response.end('{"major":"1","minor":"30"}');
      }),
    );
    const kubeconfig = join(temporaryFolder(), 'config');
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: KM,
      args: K8S,
      interactiveMode: 'Never',
    };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'one', cluster: { server: `https://${cluster}`, 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'km', user: { exec } }],
      contexts: [{ name: 'one', context: { cluster: 'one', user: 'km' } }],
      'current-context': 'one',
    };
    writeFileSync(kubeconfig, JSON.stringify(config));
    const env = { ...accountAt(api.url), PATH: pathWithKm(), KUBECONFIG: kubeconfig };
    const kubectl = start('kubectl', ['get', '--raw', '/version'], env);
    expect(await kubectl.ended, kubectl.stderr()).toEqual({ code: 0, signal: null });
    expect(await isValid(api.url, (seen.at(-1) ?? '').replace('Bearer ', ''))).toBe(true);
  });
});

describe('km auth token --format aws', () => {
  test('is what the AWS SDK takes from a credential_process', async () => {
    const api = await startApi({ tokenTtlMs: 3_600_000 });
    const env = accountAt(api.url);
    const { stdout } = await runKm([...TOKEN, '--format', 'aws'], { env });
    expect(flawsBySchema('auth-token.aws', stdout)).toEqual([]);

    const folder = temporaryFolder();
    const settings = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
    const command = `env ${settings.join(' ')} '${process.execPath}' '${KM}' ${TOKEN.join(' ')} --format aws`;
    writeFileSync(join(folder, 'config'), `[default]\ncredential_process = ${command}\n`);
    const provide = fromProcess({
      profile: 'default',
      filepath: join(folder, 'none'),
      configFilepath: join(folder, 'config'),
    });
    const found = await provide();
    const token = (await runKm(TOKEN, { env })).stdout.trim();
    expect(found.sessionToken).toBe(token);
    expect(found.secretAccessKey).toBe(token);
    const leftMinutes = ((found.expiration?.getTime() ?? 0) - Date.now()) / 60_000;
    expect(leftMinutes).toBeGreaterThan(58);
    expect(leftMinutes).toBeLessThanOrEqual(60);
  });
});

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
    const registry = await listen(
      createPlainServer((request, response) => {
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

test('what is for git and docker is refused with another format', async () => {
  const env = environment();
  for (const extra of [['get'], ['--host', 'example.com'], ['--username', 'me']]) {
    expect(await runKm([...TOKEN, ...extra], { env })).toMatchObject({ code: 2, stdout: '' });
  }
});

describe('km auth token --format dpop-header', () => {
  const PROVE = [...TOKEN, '--format', 'dpop-header'];

  test('is for a request: without its URL, or with its flags and another format, it is wrong usage', async () => {
    const env = environment();
    for (const wrong of [
      PROVE,
      [...PROVE, '--url', 'https://api.example/', '--method', 'G T'],
      [...TOKEN, '--url', 'https://api.example/'],
      [...TOKEN, '--method', 'POST'],
      [...TOKEN, '--nonce', 'n'],
    ])
      expect(await runKm(wrong, { env }), wrong.join(' ')).toMatchObject({ code: 2, stdout: '' });
  });

  test('shows nothing to another machine by plain http, and says so of a token that is bound to no key', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const plain = await runKm([...PROVE, '--url', 'http://api.example/things'], { env });
    expect(plain).toMatchObject({ code: 1, stdout: '' });
    expect(plain.stderr).toContain('plain http');

    const bearer = await runKm([...PROVE, '--url', `${api.url}/things`], { env });
    expect(bearer).toMatchObject({ code: 1, stdout: '' });
    expect(bearer.stderr).toContain('bound to no key');
  });
});
