import {
  AuthToken,
  configFolder,
  createFileCache,
  createOAuthProvider,
  Secret,
  storeLogin,
} from '@kilometers/auth';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify, type JWK, type JWTPayload } from 'jose';
import { newKeyPair } from './key-pair.js';
import { environment } from './km.js';
import type { OAuthLogin } from './oauth-login.js';
import type { OAuthServer, SeenRequest } from './oauth-server.js';

/** A login whose refresh token is bound to a key, and which key that is. */
export type BoundLogin = OAuthLogin & { readonly thumbprint: string };

const LOGIN_ID = 'bound-login';

/** A login as a browser leaves it at a server with DPoP, in the shared files: its first token is over already. */
export async function startBoundLogin(
  server: OAuthServer,
  variables: Readonly<Record<string, string>> = {},
): Promise<BoundLogin> {
  const scope = 'openid offline_access read write';
  const { privateKey } = newKeyPair('ec');
  const jwk = privateKey.export({ format: 'jwk' });
  const jkt = await calculateJwkThumbprint(jwk);
  const env = environment({
    OAUTH_ISSUER: server.issuer,
    OAUTH_CLIENT: 'cli',
    OAUTH_DPOP: '1',
    LOGIN_ID,
    ...variables,
  });
  const token = new AuthToken({
    value: 'over',
    type: 'DPoP',
    scopes: scope.split(' '),
    issuedAtMs: Date.now() - 60_000,
    expiresAtMs: Date.now() - 1,
    proofKey: new Secret(JSON.stringify(jwk)),
  });
  const refreshToken = new Secret(await server.login('cli', scope, { jkt }));
  const provider = createOAuthProvider({ issuer: server.issuer, clientId: 'cli', dpop: true });
  const cache = createFileCache({ folder: configFolder(env) ?? '', environment: env });
  await storeLogin(
    { id: LOGIN_ID, grant: { token, refreshToken }, askedScopes: scope.split(' ') },
    { provider, cache },
  );
  return { server, env, thumbprint: jkt };
}

/** The claims of the proof in a request, and the key that it proves. */
export async function proofIn({
  headers,
}: Pick<SeenRequest, 'headers'>): Promise<JWTPayload & { thumbprint: string }> {
  const { payload, protectedHeader } = await jwtVerify(headers['dpop'] as string, EmbeddedJWK);
  return { ...payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk as JWK) };
}
