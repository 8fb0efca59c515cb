import { expect, test } from 'vitest';
import { createDebugLog, TokenRequestError } from '../../src/index.js';
import { fakeClock } from '../support/fake-clock.js';
import { outcomeOf } from '../support/setup.js';
import { FakeOAuth, HOUR, loggedIn } from './logged-in.js';

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

test('what is said of a token for one resource names its scopes, and reads well', async () => {
  const { manager } = await loggedIn(['read'], {}, { target: { resources: ['https://a.example/'] } });
  const lines: string[] = [];
  manager.subscribe(createDebugLog((line) => lines.push(line)));

  expect(await outcomeOf(manager.getValidToken('write'))).toMatchObject({
    code: 'KM_AUTH_LOGIN_REQUIRED',
    message: expect.stringMatching(/^the login does not serve scope "write"; run/) as string,
  });
  expect(lines).toEqual([
    expect.stringContaining('write for https://a.example/: no token (KM_AUTH_LOGIN_REQUIRED)') as string,
  ]);
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

test('a login of another client, issuer or login id is not found', async () => {
  const { open, provider } = await loggedIn(['read']);
  const other = Object.assign(new FakeOAuth(fakeClock()), { issuer: { ...provider.issuer, identity: 'x' } });

  for (const wrong of [{ provider: other }, { loginId: 'login-2' }, { profile: 'work' }])
    expect(await outcomeOf(open(wrong).getValidToken())).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
});
