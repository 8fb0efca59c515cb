import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, jwtVerify, type JWK } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import {
  AuthToken,
  createAuthenticatedClient,
  createAuthManager,
  createDpopHeaders,
  type AuthenticatedClientOptions,
} from '../src/index.js';
import { createProofKey } from '../src/dpop-proof.js';
import { serve, type HttpServer, type Received, type Reply } from './support/http-server.js';

const CHALLENGE = 'www-authenticate';
const WANTS_NONCE = {
  status: 401,
  headers: { [CHALLENGE]: 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n-1' },
};

function boundToken(value: string, proofKey = createProofKey()): AuthToken {
  const [issuedAtMs, expiresAtMs] = [Date.now(), Date.now() + 3_600_000];
  return new AuthToken({ value, type: 'DPoP', scopes: ['read'], issuedAtMs, expiresAtMs, proofKey });
}

async function server(answer: (received: Received) => Reply): Promise<HttpServer> {
  const running = await serve(answer);
  onTestFinished(() => running[Symbol.asyncDispose]());
  return running;
}

/** A client whose tokens, `token-1` and so on, are bound to one key. */
function clientFor(origin: string, options?: AuthenticatedClientOptions) {
  const proofKey = createProofKey();
  let issued = 0;
  const manager = createAuthManager({
    apiEndpoint: origin,
    apiKey: 'key',
    provider: {
      requestToken: () => {
        issued += 1;
        return Promise.resolve({ token: boundToken(`token-${String(issued)}`, proofKey) });
      },
    },
  });
  return { client: createAuthenticatedClient(manager, 'read', options), issued: () => issued };
}

/** The claims of the proof in a request, once it is known to be a good one. */
async function proofIn({ headers }: Received) {
  const proof = headers['dpop'] as string;
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt' });
  const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk as JWK);
  return { ...payload, thumbprint } as typeof payload & { readonly thumbprint: string };
}

const ath = (token: string): string => createHash('sha256').update(token).digest('base64url');

test('each request carries the token and a proof of its own, for its method and its URL without the query', async () => {
  const api = await server(() => ({ body: 'hello' }));
  const { client } = clientFor(api.origin);

  await client(`${api.origin}/a/b?c=d#e`, { headers: { 'x-own': '1', dpop: 'not this' } });
  await client(new Request(`${api.origin}/a/b`, { method: 'post', body: 'text' }));

  const proofs = await Promise.all(api.received.map(proofIn));
  expect(api.received.map(({ headers }) => headers.authorization)).toEqual(['DPoP token-1', 'DPoP token-1']);
  expect(api.received[0]?.headers['x-own']).toBe('1');
  expect(api.received[1]?.body).toBe('text');
  expect(proofs).toMatchObject([
    { htm: 'GET', htu: `${api.origin}/a/b`, ath: ath('token-1') },
    { htm: 'POST', htu: `${api.origin}/a/b`, ath: ath('token-1') },
  ]);
  expect(proofs[0]?.jti).not.toBe(proofs[1]?.jti);
  expect(proofs[0]?.thumbprint).toBe(proofs[1]?.thumbprint);
});

test('the private half of the key is in no proof', async () => {
  const api = await server(() => ({}));
  await clientFor(api.origin).client(`${api.origin}/`);

  const header = decodeProtectedHeader(api.received[0]?.headers['dpop'] as string);
  expect(Object.keys(header.jwk ?? {}).sort()).toEqual(['crv', 'kty', 'x', 'y']);
});

test('a nonce that is asked for is in the second try and in every later request, and costs no token', async () => {
  const api = await server(({ headers }) =>
    Buffer.from(String(headers['dpop']).split('.')[1] ?? '', 'base64url').includes('"nonce":"n-1"')
      ? { body: 'welcome' }
      : WANTS_NONCE,
  );
  const { client, issued } = clientFor(api.origin);

  const first = await client(`${api.origin}/x`, { method: 'POST', body: '{"a":1}' });
  const second = await client(new Request(`${api.origin}/x`, { method: 'PUT', body: 'mine' }));

  expect([await first.text(), await second.text()]).toEqual(['welcome', 'welcome']);
  expect(api.received.map(({ body }) => body)).toEqual(['{"a":1}', '{"a":1}', 'mine']);
  expect(issued()).toBe(1);
});

test('a nonce that comes with an answer of any kind goes into the next request', async () => {
  let count = 0;
  const api = await server(() => {
    count += 1;
    return { status: count === 1 ? 404 : 200, headers: { 'dpop-nonce': `n-${String(count)}` } };
  });
  const { client } = clientFor(api.origin);
  for (let each = 0; each < 3; each += 1) await client(`${api.origin}/x`);

  const proofs = await Promise.all(api.received.map(proofIn));
  expect(proofs.map((proof) => (proof as { nonce?: string }).nonce)).toEqual([undefined, 'n-1', 'n-2']);
});

test("one server's nonce is not told to another", async () => {
  const [one, other] = [
    await server(() => ({ headers: { 'dpop-nonce': 'of-one' } })),
    await server(() => ({})),
  ];
  const { client } = clientFor(one.origin, { allowedOrigins: [other.origin] });
  await client(`${one.origin}/x`);
  await client(`${other.origin}/x`);

  expect((await proofIn(other.received[0]!))['nonce']).toBeUndefined();
});

test('a server that is never content with its nonces gets two requests, and its 401 is the answer', async () => {
  let count = 0;
  const api = await server(() => {
    count += 1;
    const nonce = `n-${String(count)}`;
    return { status: 401, headers: { [CHALLENGE]: 'DPoP error="use_dpop_nonce"', 'dpop-nonce': nonce } };
  });
  const { client, issued } = clientFor(api.origin);

  expect((await client(`${api.origin}/x`)).status).toBe(401);
  expect([api.received.length, issued()]).toEqual([2, 1]);
});

test('a stream is not sent twice for a nonce: the 401 is returned, no token is refreshed, the next request works', async () => {
  const api = await server(({ headers }) =>
    Buffer.from(String(headers['dpop']).split('.')[1] ?? '', 'base64url').includes('"nonce"')
      ? {}
      : WANTS_NONCE,
  );
  const { client, issued } = clientFor(api.origin);
  const init = { method: 'POST', body: new Blob(['the body']).stream(), duplex: 'half' } as RequestInit;

  expect((await client(`${api.origin}/x`, init)).status).toBe(401);
  expect((await client(`${api.origin}/x`)).status).toBe(200);
  expect(issued()).toBe(1);
});

test('a token that is rejected is refreshed, and the request goes again with the new one and its own proof', async () => {
  const api = await server(({ headers }) =>
    headers.authorization === 'DPoP token-2'
      ? { body: 'welcome' }
      : { status: 401, headers: { [CHALLENGE]: 'DPoP error="invalid_token"' } },
  );
  const { client } = clientFor(api.origin);

  expect(await (await client(`${api.origin}/x`, { method: 'POST', body: 'b' })).text()).toBe('welcome');
  const proofs = await Promise.all(api.received.map(proofIn));
  expect(proofs.map((proof) => (proof as { ath?: string }).ath)).toEqual([ath('token-1'), ath('token-2')]);
});

test('across a redirect on the same origin goes a new proof', async () => {
  const api = await server(({ path }) =>
    path === '/x' ? { status: 303, headers: { location: '/y?z=1' } } : { body: 'here' },
  );
  const { client } = clientFor(api.origin);

  const response = await client(`${api.origin}/x`, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  });

  expect(await response.text()).toBe('here');
  expect(await Promise.all(api.received.map(proofIn))).toMatchObject([
    { htm: 'POST', htu: `${api.origin}/x` },
    { htm: 'GET', htu: `${api.origin}/y` },
  ]);
  expect(api.received[1]?.headers['content-type']).toBeUndefined();
});

test.each([302, 307])(
  'across a redirect (%d) to another origin go neither token nor proof',
  async (status) => {
    const other = await server(() => ({ body: 'elsewhere' }));
    const api = await server(() => ({ status, headers: { location: `${other.origin}/y` } }));
    // Even where the token might be sent there: `fetch` does not carry it either.
    const { client } = clientFor(api.origin, { allowedOrigins: [other.origin] });

    expect(await (await client(`${api.origin}/x`, { headers: { cookie: 'a=b', 'x-own': '1' } })).text()).toBe(
      'elsewhere',
    );
    const { authorization, dpop, cookie, 'x-own': own } = other.received[0]?.headers ?? {};
    expect({ authorization, dpop, cookie, own }).toEqual({ own: '1' });
  },
);

test('a redirect is left to callers who want it so, and a loop of them ends', async () => {
  const api = await server(() => ({ status: 307, headers: { location: '/x' } }));
  const { client } = clientFor(api.origin);

  expect((await client(`${api.origin}/x`, { redirect: 'manual' })).status).toBe(307);
  await expect(client(`${api.origin}/x`, { redirect: 'error' })).rejects.toThrow(TypeError);
  await expect(client(`${api.origin}/x`)).rejects.toThrow('redirects more than 20 times');
});

test('an aborted request rejects with its reason', async () => {
  const api = await server(() => () => undefined);
  const { client } = clientFor(api.origin);
  const request = new Request(`${api.origin}/x`, { signal: AbortSignal.timeout(50) });

  await expect(client(request)).rejects.toMatchObject({ name: 'TimeoutError' });
});

test('for other clients the headers of one request can be had', async () => {
  const headers = createDpopHeaders(boundToken('token-1'), {
    method: 'DELETE',
    url: 'https://api.example/thing?x=1',
    nonce: 'n-7',
    nowMs: 1_700_000_000_999,
  });

  expect(headers.authorization).toBe('DPoP token-1');
  const proof = await jwtVerify(headers.dpop, EmbeddedJWK, { currentDate: new Date(1_700_000_000_000) });
  expect(proof.payload).toMatchObject({
    htm: 'DELETE',
    htu: 'https://api.example/thing',
    nonce: 'n-7',
    iat: 1_700_000_000,
  });
  const bearer = new AuthToken({ value: 'b', scopes: [], issuedAtMs: 0, expiresAtMs: 1 });
  const request = { method: 'GET', url: 'https://api.example/', nowMs: 0 };
  expect(() => createDpopHeaders(bearer, request)).toThrow('bound to no key');
  expect(() => createDpopHeaders(boundToken('t'), { ...request, url: '/thing' })).toThrow('absolute');
});
