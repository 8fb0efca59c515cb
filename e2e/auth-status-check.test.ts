import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, runKm } from './support/km.js';
import { CLI } from './support/oauth-clients.js';
import { at, logInByWeb, WEB } from './support/oauth-km.js';
import { startOAuthServer, type OAuthServer, type OAuthServerOptions } from './support/oauth-server.js';
import { flawsBySchema } from './support/schema.js';

const CHECK = ['auth', 'status', '--check'];

async function loggedIn(options: Partial<OAuthServerOptions> = {}) {
  const server = await startOAuthServer({ clients: [CLI], ...options });
  const { env } = await logInByWeb([...at(server), ...WEB]);
  const token = (await runKm(['auth', 'token'], { env })).stdout.trim();
  return { server, env, token };
}

/** What the checks found, of each token once. */
async function checksOf(env: Record<string, string>) {
  const { code, stdout } = await runKm([...CHECK, '--json'], { env });
  expect(flawsBySchema('auth-status', stdout)).toEqual([]);
  const { profiles } = JSON.parse(stdout) as {
    readonly profiles: readonly {
      readonly checks: readonly { readonly what: string; readonly isActive: unknown }[];
    }[];
  };
  return {
    code,
    said: new Set(profiles[0]?.checks.map(({ what, isActive }) => `${what} ${String(isActive)}`)),
  };
}

async function destroyToken({ provider }: OAuthServer, token: string): Promise<void> {
  await (await provider.AccessToken.find(token))?.destroy();
}

/** Ends the login at the issuer: nobody here is told. */
async function revokeLogin(
  server: OAuthServer,
  env: Record<string, string>,
  flags: readonly string[] = [],
): Promise<void> {
  expect(await runKm(['auth', 'refresh', ...flags], { env })).toMatchObject({ code: 0 });
  const sent = server.seen.flatMap(({ body }) =>
    body.get('token_type_hint') === 'refresh_token' ? [body.get('token') ?? ''] : [],
  );
  const refreshToken = await server.provider.RefreshToken.find(sent.at(-1) ?? '');
  await server.provider.RefreshToken.revokeByGrantId(refreshToken?.grantId ?? '');
}

test('the issuer is asked how the tokens are, and the login; without --check nobody is', async () => {
  const { server, env, token } = await loggedIn();
  const asked = (): number => server.seen.filter(({ path }) => path.includes('introspection')).length;
  expect((await runKm(['auth', 'status'], { env })).code).toBe(0);
  expect(asked()).toBe(0);

  expect(await checksOf(env)).toEqual({ code: 0, said: new Set(['token true', 'refresh_token true']) });
  const { stdout } = await runKm(CHECK, { env });
  expect(stdout).toContain('the server takes the login');
  expect(stdout).not.toContain(token);
});

test('a token that the issuer takes no more is told with what helps, and so is a login that is over', async () => {
  const { server, env, token } = await loggedIn();
  await destroyToken(server, token);
  expect(await checksOf(env)).toEqual({ code: 1, said: new Set(['token false', 'refresh_token true']) });
  expect((await runKm(CHECK, { env })).stdout).toContain('run `km auth refresh`');

  await revokeLogin(server, env);
  const over = await checksOf(env);
  expect(over.code).toBe(4);
  expect(over.said).toContain('refresh_token false');
});

test('what helps is told for the profile that was asked about, not for the active one', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const work = ['--profile', 'work'];
  const { env } = await logInByWeb([...at(server), ...WEB, ...work]);
  await destroyToken(server, (await runKm(['auth', 'token', ...work], { env })).stdout.trim());
  const { stdout } = await runKm([...CHECK, ...work], { env });
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
    'the server does not take the token default any more: run `km auth refresh --profile work`',
  );
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain('--profile work --scope "offline_access openid read"`');

  await revokeLogin(server, env, work);
  const login = (await runKm([...CHECK, ...work], { env })).stdout.replaceAll(/\s+/g, ' ');
  expect(login).toContain('does not take the login any more: run `km auth login --profile work`');
});

test('an issuer that does not say, and one that is down, are told apart', async () => {
  const silent = await loggedIn({ introspection: false });
  const quiet = await runKm(CHECK, { env: silent.env });
  expect(quiet.code).toBe(0);
  expect(quiet.stdout.replaceAll(/\s+/g, ' ')).toContain('it says nothing of its tokens');

  const down = await loggedIn();
  down.server.always('/token/introspection', { status: 503 });
  expect((await checksOf(down.env)).code).toBe(75);
});

test('the Kilometers API is asked for its tokens', async () => {
  const api = await startApi();
  const env = accountAt(api.url);
  await runKm(['auth', 'token'], { env });
  expect(await checksOf(env)).toEqual({ code: 0, said: new Set(['token true']) });
});

test('a captive portal in the place of the Kilometers API says nothing of a token', async () => {
  const api = await startApi({ trouble: ['path=/api/auth/validate,body=html,count=inf'] });
  const env = accountAt(api.url);
  await runKm(['auth', 'token'], { env });
  expect(await checksOf(env)).toEqual({ code: 75, said: new Set(['token null']) });
  expect((await runKm(CHECK, { env })).stdout.replaceAll(/\s+/g, ' ')).toContain('(a captive portal)');
});
