import { expect, test } from 'vitest';
import {
  AuthToken,
  createAuthManager,
  createMemoryCache,
  Secret,
  storeLogin,
  TokenRequestError,
  type AuthManagerConfig,
  type TokenGrant,
  type TokenProvider,
  type TokenRequest,
  type TokenTarget,
} from '../../src/index.js';
import { fakeClock, type FakeClock } from '../support/fake-clock.js';
import { recordEvents } from '../support/record-events.js';
import { outcomeOf } from '../support/setup.js';

const HOUR = 3_600_000;
const DAY = 86_400_000;

type Answer = {
  readonly scopes?: readonly string[];
  readonly refreshToken?: string;
  readonly refreshTokenLifeMs?: number;
  readonly error?: TokenRequestError;
};

/** An issuer that answers refreshes as told: by default what was asked, with a new refresh token. */
class FakeOAuth implements TokenProvider {
  readonly issuer;
  readonly requests: TokenRequest[] = [];
  readonly answers: Answer[] = [];
  readonly #clock: FakeClock;

  constructor(clock: FakeClock, target: TokenTarget = {}) {
    this.#clock = clock;
    this.issuer = { origin: 'https://login.example', identity: 'id', target };
  }

  requestToken(request: TokenRequest): Promise<TokenGrant> {
    this.requests.push(request);
    const answer = this.answers.shift() ?? {};
    return answer.error === undefined
      ? Promise.resolve(this.grant(answer, request.scopes ?? []))
      : Promise.reject(answer.error);
  }

  grant(answer: Answer, scopes: readonly string[]): TokenGrant {
    const nowMs = this.#clock.nowMs();
    const number = String(this.requests.length);
    return {
      token: new AuthToken({
        value: `access-${number}`,
        scopes: answer.scopes ?? scopes,
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + HOUR,
      }),
      refreshToken: new Secret(answer.refreshToken ?? `refresh-${number}`),
      ...(answer.refreshTokenLifeMs !== undefined && {
        refreshTokenExpiresAtMs: nowMs + answer.refreshTokenLifeMs,
      }),
    };
  }
}

async function loggedIn(
  asked: readonly string[],
  answer: Answer = {},
  config: AuthManagerConfig & { readonly target?: TokenTarget } = {},
) {
  const clock = fakeClock();
  const provider = new FakeOAuth(clock, config.target);
  const cache = createMemoryCache({ clock });
  const login = { id: 'login-1', grant: provider.grant(answer, asked), askedScopes: asked };
  const key = await storeLogin(login, { provider, cache });
  const open = (more: AuthManagerConfig = {}) =>
    createAuthManager({ provider, cache, clock, random: () => 0, loginId: 'login-1', ...config, ...more });
  const manager = open();
  return { clock, provider, cache, key, manager, open, events: recordEvents(manager) };
}

function sentScopes({ requests }: FakeOAuth): (readonly string[] | undefined)[] {
  return requests.map(({ scopes }) => scopes);
}

test('the token of the login serves what was asked for, with no request', async () => {
  const { manager, provider } = await loggedIn(['write', 'read']);

  expect((await manager.getValidToken()).reveal()).toBe('access-0');
  expect((await manager.getValidToken('read write')).reveal()).toBe('access-0');
  expect(provider.requests).toEqual([]);
});

test('a scope of the login gets a token for it alone, by one refresh, and the others keep theirs', async () => {
  const { manager, provider } = await loggedIn(['write', 'read']);

  expect((await manager.getValidToken('read')).scopes).toEqual(['read']);
  expect((await manager.getValidToken()).reveal()).toBe('access-0');
  expect(sentScopes(provider)).toEqual([['read']]);
});

test('narrow tokens are renewed in turn with the one refresh token that follows the last', async () => {
  const { manager, provider, clock } = await loggedIn(['write', 'read']);
  await manager.getValidToken('read');
  await clock.advance(2 * HOUR);

  await Promise.all([manager.getValidToken(), manager.getValidToken('read'), manager.getValidToken('write')]);

  const sent = provider.requests.map((request) =>
    request.grantType === 'refresh_token' ? request.refreshToken.reveal() : '',
  );
  expect(sent).toEqual(['refresh-0', 'refresh-1', 'refresh-2', 'refresh-3']);
});

test('a scope outside the login is asked of nobody, and the error says which login to run', async () => {
  const { manager, provider, cache, key } = await loggedIn(
    ['read'],
    {},
    {
      loginCommand: (scopes) => `km auth login ${scopes.map((scope) => `--scope ${scope}`).join(' ')}`,
    },
  );

  const error = await outcomeOf(manager.getValidToken('admin'));

  expect(error).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
  expect((error as Error).message).toContain('run `km auth login --scope admin --scope read`');
  expect(provider.requests).toEqual([]);
  expect((await cache.getGrant(key))?.lastFailure, 'the login itself is well').toBeUndefined();
});

test('a scope that the issuer refuses although it was asked for at the login: which login to run', async () => {
  const { manager, provider, cache, key } = await loggedIn(['read', 'write'], { scopes: ['read'] });
  const refused = new TokenRequestError('KM_AUTH_INVALID_SCOPE', 'invalid_scope', { status: 400 });
  provider.answers.push({ error: refused });

  expect(await outcomeOf(manager.getValidToken('write'))).toMatchObject({
    code: 'KM_AUTH_LOGIN_REQUIRED',
    message: expect.stringContaining('km auth login') as string,
  });
  expect((await cache.getGrant(key))?.refreshToken?.secret.reveal()).toBe('refresh-0');
  expect((await cache.getGrant(key))?.lastFailure, 'the login itself is well').toBeUndefined();
});

test('a token for other scopes than were asked for is told, once for each change', async () => {
  const { manager, provider, events, clock } = await loggedIn(['mail', 'read']);
  provider.answers.push(
    { scopes: ['https://login.example/mail'] },
    { scopes: ['https://login.example/mail'] },
  );
  const token = await manager.getValidToken('mail');
  await clock.advance(2 * HOUR);
  await manager.getValidToken('mail');

  expect(token.scopes).toEqual(['https://login.example/mail']);
  expect(events.of('token.scopes-differ')).toMatchObject([
    { scope: 'mail', granted: 'https://login.example/mail', missing: 'mail' },
  ]);
});

test('tokens for one resource are never taken for those of another, and share one refresh token', async () => {
  const first = await loggedIn(['read'], {}, { target: { resources: ['https://a.example/'] } });
  const forB = new FakeOAuth(first.clock, { resources: ['https://b.example/'] });
  const managerB = first.open({ provider: forB });

  const [a, b] = [await first.manager.getValidToken('read'), await managerB.getValidToken('read')];
  expect(a.reveal()).toBe('access-0');
  expect(b.reveal()).toBe('access-1');
  expect(forB.requests).toMatchObject([
    { grantType: 'refresh_token', scopes: ['read'], target: { resources: ['https://b.example/'] } },
  ]);
  const record = await first.cache.getGrant(first.key);
  expect(record?.refreshToken?.secret.reveal()).toBe('refresh-1');
  expect([...(record?.tokens.keys() ?? [])]).toContain('read "resource=https%3A%2F%2Fb.example%2F"');
});

test('a background look renews the token of another resource for that resource', async () => {
  const { manager, provider, clock, open } = await loggedIn(['read'], {}, { target: { audience: 'one' } });
  await open({ provider: new FakeOAuth(clock, { audience: 'two' }) }).getValidToken('read');
  manager.start();
  await clock.advance(HOUR - 60_000);
  await manager.stop();

  const targets = provider.requests.map((request) => ('target' in request ? request.target : undefined));
  expect(targets).toEqual(expect.arrayContaining([{ audience: 'one' }, { audience: 'two' }]));
});

test('a login without a refresh token ends with its token', async () => {
  const clock = fakeClock();
  const provider = new FakeOAuth(clock);
  const cache = createMemoryCache({ clock });
  const { token } = provider.grant({}, ['read']);
  await storeLogin({ id: 'login-1', grant: { token }, askedScopes: [] }, { provider, cache });
  const manager = createAuthManager({ provider, cache, clock, loginId: 'login-1' });
  expect((await manager.getValidToken()).reveal()).toBe('access-0');
  await clock.advance(HOUR);

  expect(await outcomeOf(manager.getValidToken())).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
});

test('a login of another client, issuer or login id is not found', async () => {
  const { open, provider } = await loggedIn(['read']);
  const other = Object.assign(new FakeOAuth(fakeClock()), { issuer: { ...provider.issuer, identity: 'x' } });

  for (const wrong of [{ provider: other }, { loginId: 'login-2' }, { profile: 'work' }])
    expect(await outcomeOf(open(wrong).getValidToken())).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
});

test('a login that ends for good is warned of a week ahead, once', async () => {
  const { manager, events, clock, provider } = await loggedIn(['read'], { refreshTokenLifeMs: 30 * DAY });
  for (let left = 30; left > 1; left -= 1) {
    await clock.advance(DAY);
    provider.answers.push({ refreshTokenLifeMs: (left - 1) * DAY });
    await manager.getValidToken();
  }

  const told = events.of('grant.expiring');
  expect(told).toHaveLength(1);
  expect(told[0]?.remainingMs).toBe(7 * DAY);
});

test('a refresh token that is short-lived and put off by each refresh warns of nothing', async () => {
  const { manager, events, clock, provider } = await loggedIn(['read'], { refreshTokenLifeMs: 30 * 60_000 });
  for (let each = 0; each < 5; each += 1) {
    provider.answers.push({ refreshTokenLifeMs: 30 * 60_000 });
    await clock.advance(20 * 60_000);
    await manager.forceRefresh();
  }

  expect(provider.requests).toHaveLength(5);
  expect(events.of('grant.expiring')).toEqual([]);
});

test('a short-lived refresh token that no refresh puts off is warned of', async () => {
  const { manager, events, clock, provider } = await loggedIn(['read'], { refreshTokenLifeMs: DAY });
  await clock.advance(2 * HOUR);
  provider.answers.push({ refreshTokenLifeMs: 22 * HOUR });
  await manager.getValidToken();

  expect(events.of('grant.expiring')).toMatchObject([{ remainingMs: 22 * HOUR }]);
});

test('the background warns of a login that ends although nothing is refreshed', async () => {
  const { manager, events, clock, provider } = await loggedIn(['read'], {
    refreshTokenLifeMs: 7 * DAY + 30_000,
  });
  manager.start();
  await clock.advance(90_000);
  await manager.stop();

  expect(events.of('grant.expiring')).toHaveLength(1);
  expect(provider.requests).toEqual([]);
});

test('a refresh token that is over is not sent', async () => {
  const { manager, clock, provider } = await loggedIn(['read'], { refreshTokenLifeMs: 30 * 60_000 });
  await clock.advance(2 * HOUR);

  expect(await outcomeOf(manager.getValidToken())).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
  expect(provider.requests).toEqual([]);
});
