import { expect, test } from 'vitest';
import { CLI } from './support/oauth-clients.js';
import { oauthStorm, runOAuthProgram, startOAuthLogin, startOAuthProgram } from './support/oauth-login.js';
import { startOAuthServer, type OAuthServer } from './support/oauth-server.js';
import { until } from './support/until.js';

/** Long enough that on a busy machine 32 programs are through before half of it, when a new token is due. */
const TOKEN_TTL_SECONDS = 20;
/** A token is not sent in the last tenth of its life. */
const EXPIRED_AFTER_MS = TOKEN_TTL_SECONDS * 900;
/** All ten with KM_ALL_STORMS=1: the token's life has to pass in each. */
const EXPIRIES = process.env['KM_ALL_STORMS'] === '1' ? 10 : 2;

/** The one token that all of them got. */
function sharedToken(ends: readonly { readonly token?: string }[]): string {
  expect(ends.filter(({ token }) => token === undefined)).toEqual([]);
  expect(new Set(ends.map(({ token }) => token)).size).toBe(1);
  return ends[0]?.token ?? '';
}

/** The refresh tokens that the server was sent since the last call. */
function sentRefreshTokens(server: OAuthServer): (string | null)[] {
  return server.seen.splice(0).map(({ body }) => body.get('refresh_token'));
}

test(
  `${String(EXPIRIES)} expiries met by 32 programs at once, on one rotating grant with no grace: no grant is revoked`,
  { timeout: 180_000 + EXPIRIES * 60_000 },
  async () => {
    const server = await startOAuthServer({ clients: [CLI], tokenTtl: TOKEN_TTL_SECONDS });
    const login = await startOAuthLogin(server);
    const tokens = new Set<string>();
    const sent = new Set<string | null>();
    let expiredAtMs = 0;
    for (let expiry = 0; expiry < EXPIRIES; expiry += 1) {
      tokens.add(sharedToken(await oauthStorm(login, 32, expiredAtMs)));
      expiredAtMs = server.refreshedAtMs() + EXPIRED_AFTER_MS;
      const round = sentRefreshTokens(server);
      expect(round).toHaveLength(1);
      sent.add(round[0] ?? null);
    }
    expect(tokens.size).toBe(EXPIRIES);
    expect(sent.size).toBe(EXPIRIES);
    expect(server.revoked()).toBe(0);
  },
);

test('16 programs that want tokens for 4 scopes at once share one grant: 4 refreshes, one after the other', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const login = await startOAuthLogin(server);
  const scopes = ['read', 'write', 'openid', 'read write'];

  const ends = await Promise.all(
    Array.from({ length: 16 }, (_, each) => runOAuthProgram(login, { OAUTH_SCOPE: scopes[each % 4] ?? '' })),
  );

  expect(ends.filter(({ token }) => token === undefined)).toEqual([]);
  expect(new Set(ends.map(({ token }) => token)).size).toBe(4);
  expect(server.refreshes()).toBe(4);
  expect(server.revoked()).toBe(0);
});

test('an answer that is lost after the rotation costs the login at a server without grace, and that is said', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const login = await startOAuthLogin(server);
  server.next('lost');

  const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => runOAuthProgram(login)));

  for (const end of [first!, ...others]) {
    expect(end).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    expect(end.stderr).not.toContain('refresh_token=');
  }
  const messages = [first!, ...others].map(({ message }) => message ?? '');
  expect(messages.filter((message) => message.includes('the answer was lost on the way back'))).toHaveLength(
    1,
  );
});

test.each([
  ['a 503', { status: 503, headers: { 'retry-after': '1' } }],
  ['a dropped connection', 'dropped'],
  ['a slow answer', { slowMs: 2_500 }],
  [
    'a page of a captive portal with a redirect',
    { status: 302, headers: { location: 'http://portal.example/' } },
  ],
] as const)('%s in the middle of a storm costs no login', async (_what, trouble) => {
  const server = await startOAuthServer({ clients: [CLI] });
  const login = await startOAuthLogin(server, { LOGIN_TIMEOUT_MS: '2000' });
  server.next(trouble);

  sharedToken(await oauthStorm(login, 8));

  expect(server.refreshes()).toBe(1);
  expect(server.revoked()).toBe(0);
});

test('the owner of a refresh that is killed while the server works on it is followed by another', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const login = await startOAuthLogin(server);
  server.next({ status: 503, headers: { 'retry-after': '30' } });
  const owner = startOAuthProgram(login);
  await until('the owner has asked', () => server.seen.length > 0);
  owner.child.kill('SIGKILL');
  await owner.ended;

  expect((await runOAuthProgram(login)).token).toBeDefined();
  expect(server.revoked()).toBe(0);
});
