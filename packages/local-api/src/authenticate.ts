import type { Context, MiddlewareHandler } from 'hono';
import type { AccessRefusal } from './api-event.js';
import { readScopes, type Scope } from './scopes.js';
import { fingerprint, hashSecret } from './secrets.js';
import type { Access, ApiEnv, Services } from './services.js';

const BEARER = /^Bearer(?: +(.*))?$/i;
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/** The challenges of RFC 6750 §3; a call with no token at all is told only which scheme to use. */
const CHALLENGES: Readonly<Record<AccessRefusal, (scope: string) => string>> = {
  missing: () => 'Bearer realm="kilometers"',
  malformed: () => 'Bearer error="invalid_request"',
  unknown: () => 'Bearer error="invalid_token"',
  expired: () => 'Bearer error="invalid_token"',
  revoked: () => 'Bearer error="invalid_token", error_description="token_revoked"',
  insufficient_scope: (scope) => `Bearer error="insufficient_scope", scope="${scope}"`,
};

const BODIES: Readonly<Record<AccessRefusal, Readonly<Record<string, string>>>> = {
  missing: { error: 'unauthorized', error_description: 'send Authorization: Bearer with an access token' },
  malformed: {
    error: 'invalid_request',
    error_description: 'the Authorization header holds no bearer token',
  },
  unknown: { error: 'invalid_token', error_description: 'unknown access token' },
  expired: { error: 'invalid_token', error_description: 'access token expired' },
  revoked: { error: 'invalid_token', error_description: 'token_revoked' },
  insufficient_scope: { error: 'insufficient_scope', error_description: 'the access token lacks the scope' },
};

/**
 * Lets through whoever has a good access token, with `scope` where one is named.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6750#section-3 | RFC 6750 §3}
 */
export function requireToken(services: Services, scope?: Scope): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const authorization = c.req.header('authorization');
    const match = BEARER.exec(authorization ?? '');
    if (match === null) return refuse(services, c, 'missing');
    const token = (match[1] ?? '').trim();
    if (!B64TOKEN.test(token)) return refuse(services, c, 'malformed');
    const record = services.store.accessTokens.find(hashSecret(token));
    if (record === undefined) return refuse(services, c, 'unknown', token);
    if (record.isRevoked) return refuse(services, c, 'revoked', token);
    if (services.settings.now() >= record.expiresAtMs) return refuse(services, c, 'expired', token);
    if (scope !== undefined && !readScopes(record.scope).includes(scope)) {
      return refuse(services, c, 'insufficient_scope', token, scope);
    }
    c.set('access', { ...record, fingerprint: fingerprint(token) });
    return next();
  };
}

/** Who makes this call; only behind {@link requireToken}. */
export function accessOf(c: Context<ApiEnv>): Access {
  const access = c.get('access');
  if (access === undefined) throw new Error(`${c.req.path} is not protected`);
  return access;
}

function refuse(
  services: Services,
  c: Context<ApiEnv>,
  reason: AccessRefusal,
  token?: string,
  scope = '',
): Response {
  services.store.counters.add('access_refused', services.settings.now());
  services.events.emit({
    type: 'access.refused',
    path: c.req.path,
    reason,
    ...(token === undefined ? {} : { accessToken: fingerprint(token) }),
  });
  const status = reason === 'malformed' ? 400 : reason === 'insufficient_scope' ? 403 : 401;
  return c.json(BODIES[reason], status, { 'WWW-Authenticate': CHALLENGES[reason](scope) });
}
