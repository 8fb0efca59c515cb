import { createServer, type RequestListener } from 'node:http';
import {
  createAuthManager,
  createMemoryCache,
  createOAuthProvider,
  type GrantRecord,
} from '@kilometers/auth';
import { OAuth2Issuer, OAuth2Service, type MutableResponse } from 'oauth2-mock-server';
import { expect, test } from 'vitest';
import { listen } from './support/listen.js';

type Body = Record<string, unknown>;

/** What becomes of an answer: another body, or something else in its place. */
type Oddity = { readonly body?: (body: Body) => Body; readonly instead?: RequestListener };

/** An issuer by somebody else's hand, whose token endpoint answers oddly; `asked` tells how often it was. */
async function mockIssuer({ body: change = (body) => body, instead }: Oddity) {
  const issuer = new OAuth2Issuer();
  await issuer.keys.generate('RS256');
  const service = new OAuth2Service(issuer);
  service.on('beforeResponse', (response: MutableResponse) => {
    response.body = change(response.body as Body);
  });
  let asked = 0;
  const server = createServer((request, response) => {
    const isToken = request.url === '/token';
    if (isToken) asked += 1;
    (isToken && instead !== undefined ? instead : service.requestHandler)(request, response);
  });
  issuer.url = `http://localhost:${String(await listen(server))}`;
  return { url: issuer.url, asked: () => asked };
}

/** A login at that issuer, and what is stored of it. */
async function loggedIn(oddity: Oddity) {
  const { url, asked } = await mockIssuer(oddity);
  const cache = createMemoryCache();
  const provider = createOAuthProvider({ issuer: url, clientId: 'cli' });
  const manager = createAuthManager({ provider, refreshToken: 'refresh-0', cache, maxRetries: 0 });
  const stored = async (): Promise<GrantRecord | undefined> => {
    const [key] = await cache.listGrants();
    return key === undefined ? undefined : cache.getGrant(key);
  };
  return { manager, stored, asked };
}

const without = (body: Body, ...names: readonly string[]): Body =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));

const SECOND = 1_000;

test.each<[string, (body: Body) => Body, number]>([
  ['is a number', (body) => ({ ...body, expires_in: 120 }), 120 * SECOND],
  ['is a string', (body) => ({ ...body, expires_in: '120' }), 120 * SECOND],
  ['is missing, and the token is a JWT', (body) => without(body, 'expires_in'), 3_600 * SECOND],
  ['is zero, and the token is a JWT', (body) => ({ ...body, expires_in: 0 }), 3_600 * SECOND],
  ['is nonsense, and the token is a JWT', (body) => ({ ...body, expires_in: 'soon' }), 3_600 * SECOND],
  [
    'is missing, and the token is opaque',
    (body) => ({ ...without(body, 'expires_in'), access_token: 'opaque' }),
    300 * SECOND,
  ],
])('where expires_in %s, the token lives as long as that tells', async (_what, change, lifetimeMs) => {
  const { manager } = await loggedIn({ body: change });

  const token = await manager.getValidToken();

  expect(Math.abs(token.lifetimeMs - lifetimeMs)).toBeLessThanOrEqual(2 * SECOND);
});

test.each<[string, unknown, readonly string[]]>([
  ['a string', 'read write', ['read', 'write']],
  ['an array', ['read', 'write'], ['read', 'write']],
  ['separated by commas', 'read,write', ['read', 'write']],
  ['missing', undefined, ['asked']],
  ['null', null, ['asked']],
])('where scope is %s, the token has the scopes that it means', async (_what, scope, scopes) => {
  const { manager } = await loggedIn({ body: (body) => ({ ...without(body, 'scope'), scope }) });

  expect((await manager.getValidToken('asked')).scopes).toEqual(scopes);
});

test.each(['Bearer', 'bearer', 'BEARER', undefined])('token_type %s is a bearer token', async (type) => {
  const { manager } = await loggedIn({ body: (body) => ({ ...body, token_type: type }) });

  expect((await manager.getValidToken()).authorization).toMatch(/^Bearer \S+$/);
});

test('where the answer has no refresh token, the one before stays; where it has one, that follows', async () => {
  const kept = await loggedIn({ body: (body) => without(body, 'refresh_token') });
  await kept.manager.getValidToken();
  await kept.manager.forceRefresh();
  expect((await kept.stored())?.refreshToken?.secret.reveal()).toBe('refresh-0');
  expect(kept.asked()).toBe(2);

  const rotated = await loggedIn({ body: (body) => ({ ...body, refresh_token: 'refresh-1' }) });
  await rotated.manager.getValidToken();
  expect((await rotated.stored())?.refreshToken?.secret.reveal()).toBe('refresh-1');
});

const page: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome to our hotel</html>');
};
const redirect: RequestListener = (_request, response) => {
  response.writeHead(302, { location: 'http://portal.example/' }).end();
};

test.each<[string, Oddity, RegExp]>([
  ['a page with status 200', { instead: page }, /captive portal/],
  ['a redirect', { instead: redirect }, /sends elsewhere/],
  ['JSON without a token', { body: () => ({}) }, /captive portal/],
  [
    'a token that no header can have',
    { body: (body) => ({ ...without(body, 'refresh_token'), access_token: 'a\nb' }) },
    /captive portal/,
  ],
])('%s costs no login: try again later', async (_what, oddity, why) => {
  const { manager, stored } = await loggedIn(oddity);

  await expect(manager.getValidToken()).rejects.toMatchObject({
    code: 'KM_AUTH_UNREACHABLE',
    message: expect.stringMatching(why) as string,
  });
  expect((await stored())?.refreshToken?.secret.reveal()).toBe('refresh-0');
});

test('where the answer has a new refresh token, and a token that no header can have, the login goes on with it', async () => {
  const { manager, stored } = await loggedIn({
    body: (body) => ({ ...body, access_token: 'a\nb', refresh_token: 'refresh-1' }),
  });

  await expect(manager.getValidToken()).rejects.toMatchObject({
    code: 'KM_AUTH_UNREACHABLE',
    message: expect.stringMatching(/no access token that can be sent/) as string,
  });
  expect((await stored())?.refreshToken?.secret.reveal()).toBe('refresh-1');
});
