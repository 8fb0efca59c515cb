import { readFileSync, writeFileSync } from 'node:fs';
import type { RequestListener, Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { fromProcess } from '@aws-sdk/credential-provider-process';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { startApi } from './support/api.js';
import { pathWithKm } from './support/command-folder.js';
import { temporaryFolder } from './support/folder.js';
import { KM, accountAt, environment, runKm, start } from './support/km.js';
import { listen } from './support/listen.js';
import { can, run } from './support/login-system.js';
import { codeBlocks } from './support/markdown.js';
import { flawsBySchema } from './support/schema.js';
import { isValid } from './support/validate.js';

const TOKEN = ['auth', 'token', '--scope', 'monitoring'];

function kubectlMinor(): number {
  const { clientVersion } = JSON.parse(run('kubectl', 'version', '--client', '--output=json')) as {
    readonly clientVersion: { readonly minor: string };
  };
  return Number.parseInt(clientVersion.minor, 10);
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
  // Debian 12 has one of 1.20, which knows v1 not yet.
  const VERSIONS = canTry && kubectlMinor() < 22 ? ['v1beta1'] : ['v1', 'v1beta1'];
  test.skipIf(!canTry).each(VERSIONS)('lets a real kubectl in, by %s', async (version) => {
    const api = await startApi();
    const seen: (string | undefined)[] = [];
    const port = await listen(
      tlsServer((request, response) => {
        seen.push(request.headers.authorization);
        response.setHeader('content-type', 'application/json');
        response.end('{"major":"1","minor":"30"}');
      }),
    );
    const kubeconfig = join(temporaryFolder(), 'config');
    const said = codeBlocks('docs/scripts.md', 'yaml')[0]?.text ?? '';
    const config = {
      ...(parse(said.replace(/(k8s\.io\/)v1$/m, `$1${version}`)) as object),
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'one', cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
      ],
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
    const said = codeBlocks('docs/scripts.md', 'ini')[0]?.text ?? '';
    const km = `= env ${settings.join(' ')} '${process.execPath}' '${KM}' `;
    writeFileSync(join(folder, 'config'), said.replace('= km ', km));
    const provide = fromProcess({
      profile: 'gateway',
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
