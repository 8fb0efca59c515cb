import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, SignJWT, type JWK } from 'jose';
import { onTestFinished } from 'vitest';
import {
  createEntitlementVerifier,
  isAuthError,
  systemClock,
  type AuthErrorCode,
  type Clock,
  type EntitlementVerifierOptions,
} from '../../src/index.js';

const KEYS_PATH = '/.well-known/jwks.json';
export const HOUR_MS = 3_600_000;

type SigningKey = { readonly kid: string; readonly publicJwk: JWK; readonly privateKey: KeyObject };

/** A new key, read from what was made: Node 20 may wait for ever where the object that was made is exported as a JWK. */
export async function newKey(kid: string, alg: 'ES256' | 'RS256' = 'ES256'): Promise<SigningKey> {
  const made =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privateKey = createPrivateKey(made.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const publicJwk = { ...(await exportJWK(createPublicKey(privateKey))), kid, alg, use: 'sig' };
  return { kid, publicJwk, privateKey };
}

/** A server that is gone after the test. */
export async function serveAs(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

/** Publishes keys as the API does, counts who asks, and can stop answering. */
export async function keyServer(...keys: SigningKey[]) {
  const api = { keys, asked: 0, isDown: false, url: '' };
  api.url = await serveAs((request, response) => {
    api.asked += 1;
    if (api.isDown) {
      response.socket?.destroy();
      return;
    }
    response.statusCode = request.url === KEYS_PATH ? 200 : 404;
    response.end(JSON.stringify({ keys: api.keys.map((key) => key.publicJwk) }));
  });
  return api;
}

/** The machine's clock, moved ahead by what a test says. */
export function movedClock(): Clock & { advance(byMs: number): void } {
  let aheadMs = 0;
  return {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    advance: (byMs) => {
      aheadMs += byMs;
    },
  };
}

type Claims = {
  readonly iss?: string;
  readonly expiresInMs?: number;
  readonly nowMs?: number;
  readonly alg?: string;
  readonly notBeforeMs?: number;
};

export function sign(key: SigningKey, claims: Claims = {}): Promise<string> {
  const { iss, expiresInMs = HOUR_MS, nowMs = systemClock.nowMs(), alg = 'ES256' } = claims;
  const token = new SignJWT({ tier: 'pro', scope: 'monitoring plugins' })
    .setProtectedHeader({ alg, kid: key.kid, typ: 'JWT' })
    .setSubject('account-1')
    .setIssuedAt(Math.floor(nowMs / 1_000))
    .setExpirationTime(Math.floor((nowMs + expiresInMs) / 1_000));
  if (claims.notBeforeMs !== undefined) token.setNotBefore(Math.floor(claims.notBeforeMs / 1_000));
  return (iss === undefined ? token : token.setIssuer(iss)).sign(key.privateKey);
}

export function verifierOf(apiEndpoint: string, options: EntitlementVerifierOptions = {}) {
  return createEntitlementVerifier({ apiEndpoint, requestTimeoutMs: 8_000, ...options });
}

export async function codeOf(promise: Promise<unknown>): Promise<AuthErrorCode | undefined> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isAuthError(error) ? error.code : undefined;
}
