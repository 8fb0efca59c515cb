import {
  createAuthManager,
  createEntitlementVerifier,
  isAuthError,
  type AuthErrorCode,
} from '@kilometers/auth';
import { startLocalApi, type LocalApiOptions, type RunningLocalApi } from '@kilometers/local-api';
import { afterEach, expect, test } from 'vitest';

const API_KEY = 'km_ent_key';
const running = new Set<RunningLocalApi>();

afterEach(async () => {
  await Promise.all([...running].map((api) => api.close()));
  running.clear();
});

async function startApi(options: LocalApiOptions & { readonly port?: number } = {}) {
  const api = await startLocalApi({ apiKeys: [API_KEY], ...options });
  running.add(api);
  return api;
}

function managerFor(api: RunningLocalApi) {
  return createAuthManager({ apiEndpoint: api.url, apiKey: API_KEY, maxRetries: 0 });
}

async function codeOf(promise: Promise<unknown>): Promise<AuthErrorCode | undefined> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isAuthError(error) ? error.code : undefined;
}

test('what the API issues is verified with the keys that it publishes', async () => {
  const api = await startApi();
  const token = await managerFor(api).getValidToken('monitoring');

  await expect(createEntitlementVerifier({ apiEndpoint: api.url }).verify(token)).resolves.toMatchObject({
    tier: 'enterprise',
    scopes: ['monitoring'],
  });
});

test('after the API has changed its key, new tokens are trusted and old ones are not', async () => {
  const before = await startApi();
  const nowMs = Date.now();
  let laterMs = 0;
  const clock = {
    nowMs: () => nowMs + laterMs,
    monotonicMs: () => laterMs,
    schedule: () => () => undefined,
  };
  const verifier = createEntitlementVerifier({ apiEndpoint: before.url, clock });
  const old = await managerFor(before).getValidToken('monitoring');
  await verifier.verify(old);

  // The same address with another database, and so with another key.
  await before.close();
  const after = await startApi({ port: Number(new URL(before.url).port) });
  const fresh = await managerFor(after).getValidToken('monitoring');
  laterMs += 30_000;

  await expect(verifier.verify(fresh)).resolves.toMatchObject({ tier: 'enterprise' });
  await expect(codeOf(verifier.verify(old))).resolves.toBe('KM_AUTH_TOKEN_INVALID');
});

test('a token that was changed is refused', async () => {
  const api = await startApi();
  const token = await managerFor(api).getValidToken('monitoring');
  const [header = '', payload = '', signature = ''] = token.reveal().split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  const richer = Buffer.from(JSON.stringify({ ...claims, scope: 'monitoring plugins' })).toString(
    'base64url',
  );

  const verifier = createEntitlementVerifier({ apiEndpoint: api.url });

  await expect(codeOf(verifier.verify(`${header}.${richer}.${signature}`))).resolves.toBe(
    'KM_AUTH_TOKEN_INVALID',
  );
});

test('an opaque token entitles to nothing that can be read from it', async () => {
  const api = await startApi({ tokenFormat: 'opaque' });
  const token = await managerFor(api).getValidToken('monitoring');

  const refused = createEntitlementVerifier({ apiEndpoint: api.url }).verify(token);

  await expect(refused).rejects.toThrow(/opaque/);
  await expect(codeOf(refused)).resolves.toBe('KM_AUTH_TOKEN_INVALID');
});

test('with the API down nothing is decided', async () => {
  const api = await startApi();
  const token = await managerFor(api).getValidToken('monitoring');
  const verifier = createEntitlementVerifier({ apiEndpoint: api.url });
  await api.close();

  await expect(codeOf(verifier.verify(token))).resolves.toBe('KM_AUTH_UNREACHABLE');
});
