import { describe, expect, onTestFinished, test } from 'vitest';
import {
  AuthToken,
  createAuthenticatedClient,
  createAuthManager,
  type AuthenticatedClientOptions,
  type Secret,
} from '../src/index.js';
import { createProofKey } from '../src/dpop-proof.js';
import { recordEvents } from './support/record-events.js';
import { serve, type HttpServer, type Reply } from './support/http-server.js';

const REVOKED: Reply = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer error="invalid_token", error_description="token_revoked"' },
};

async function server(
  answer: (authorization: string | undefined, path: string) => Reply,
): Promise<HttpServer> {
  const running = await serve(({ headers, path }) => answer(headers.authorization, path));
  onTestFinished(() => running[Symbol.asyncDispose]());
  return running;
}

function clientOf(apiEndpoint: string, options?: AuthenticatedClientOptions, proofKey?: Secret) {
  let issued = 0;
  const manager = createAuthManager({
    apiEndpoint,
    apiKey: 'key',
    provider: {
      requestToken: () => {
        issued += 1;
        const token = new AuthToken({
          value: `token-${String(issued)}`,
          type: proofKey === undefined ? 'Bearer' : 'DPoP',
          scopes: ['read'],
          issuedAtMs: Date.now(),
          expiresAtMs: Date.now() + 3_600_000,
          proofKey,
        });
        return Promise.resolve({ token });
      },
    },
  });
  const client = createAuthenticatedClient(manager, 'read', options);
  return { client, issued: () => issued, events: recordEvents(manager) };
}

describe.each([
  ['a bearer token', undefined],
  ['a token that is bound to a key', createProofKey()],
])('a client with %s', (_, proofKey) => {
  test.each([
    ['another origin', false],
    ['another origin that may see the token, which no redirect takes there', true],
  ])('leaves its token be where %s refuses, to which the API redirects', async (_what, isAllowed) => {
    const storage = await server(() => REVOKED);
    const api = await server(() => ({ status: 302, headers: { location: `${storage.origin}/file` } }));
    const { client, issued, events } = clientOf(
      api.origin,
      { allowedOrigins: isAllowed ? [storage.origin] : [] },
      proofKey,
    );

    expect((await client(`${api.origin}/x`)).status).toBe(401);
    expect(issued()).toBe(1);
    expect(events.types()).not.toContain('security.event');
    expect(storage.received).toMatchObject([{ path: '/file' }]);
    expect(storage.received[0]?.headers.authorization).toBeUndefined();
  });

  test('gets another one where its own origin redirects to itself, and refuses', async () => {
    const api = await server((authorization, path) => {
      if (path === '/x') return { status: 302, headers: { location: '/y' } };
      return authorization?.endsWith('token-1') === true ? { status: 401 } : { body: 'welcome' };
    });
    const { client, issued } = clientOf(api.origin, {}, proofKey);

    expect(await (await client(`${api.origin}/x`)).text()).toBe('welcome');
    expect(issued()).toBe(2);
  });
});

test('a client whose fetch reaches the API at another origin gets another token where that refuses', async () => {
  const API = 'https://api.example';
  const gateway = await server((authorization) =>
    authorization === 'Bearer token-1' ? { status: 401 } : { body: 'welcome' },
  );
  const { client } = clientOf(API, {
    fetch: (_input, init) => fetch(`${gateway.origin}/x`, init),
  });

  expect(await (await client(`${API}/x`)).text()).toBe('welcome');
});
