import { expect, test } from 'vitest';
import { proofIn } from './support/oauth-bound-login.js';
import { CLI } from './support/oauth-clients.js';
import { runKm } from './support/km.js';
import { at, logInByWeb } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';

const WEB = ['--web', '--scope', 'openid offline_access read'];

/** The headers that `km` printed. */
function headersIn(stdout: string): Record<string, string> {
  return Object.fromEntries(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(': ') as [string, string]),
  );
}

test('a login with --dpop is bound to a key: km proves it for one request, to an API that wants nonces too', async () => {
  const server = await startOAuthServer({ clients: [CLI], dpopNonces: true });
  const { code, env } = await logInByWeb([...at(server), ...WEB, '--dpop']);
  expect(code).toBe(0);
  const url = `${server.issuer}/me`;
  const ask = async (method: string, ...more: readonly string[]): Promise<Response> => {
    const args = ['auth', 'token', '--format', 'dpop-header', '--url', `${url}?a=b`, '--method', method];
    const printed = await runKm([...args, ...more], { env });
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    return fetch(url, { method, headers: headersIn(printed.stdout) });
  };

  const first = await ask('GET');
  const nonce = first.headers.get('dpop-nonce') ?? '';
  const second = await ask('GET', '--nonce', nonce);
  const forPost = await ask('POST', '--nonce', nonce);

  expect([first.status, second.status, forPost.status]).toEqual([401, 200, 200]);
  expect(await second.json()).toHaveProperty('sub');
});

test('each refresh of km proves the key of the login, in whatever process', async () => {
  const server = await startOAuthServer({ clients: [CLI], dpopNonces: true });
  const { env } = await logInByWeb([...at(server), ...WEB, '--dpop']);
  const before = server.seen.length;

  const ends = [
    await runKm(['auth', 'refresh'], { env }),
    await runKm(['auth', 'token', '--scope', 'read'], { env }),
  ];

  expect(ends.map(({ code }) => code)).toEqual([0, 0]);
  const proofs = await Promise.all(server.seen.filter(({ path }) => path === '/token').map(proofIn));
  expect(server.seen.length).toBeGreaterThan(before);
  expect(new Set(proofs.map(({ thumbprint }) => thumbprint)).size).toBe(1);
  expect(server.revoked()).toBe(0);
});
