import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { newKeyPair } from './support/key-pair.js';
import { environment, runKm } from './support/km.js';
import { keyedService, ODD_SECRET, service } from './support/oauth-clients.js';
import { at, kilometersFolder, storedText } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';
import { until } from './support/until.js';

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
    const { privateKey, publicKey } = newKeyPair('ec');
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
