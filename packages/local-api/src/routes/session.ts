import { Hono } from 'hono';
import * as v from 'valibot';
import { accessOf, requireToken } from '../authenticate.js';
import { checkOAuth, readJson } from '../request-body.js';
import { readScopes } from '../scopes.js';
import type { ApiEnv, Services } from '../services.js';

const RevokeRequest = v.object(
  {
    token: v.pipe(v.string('text'), v.nonEmpty('text that is not empty')),
    token_type_hint: v.optional(v.string('text')),
  },
  'a JSON object',
);

/** `GET /api/auth/validate` and `POST /api/auth/revoke`: is this token good, and end it. */
export function sessionRoutes(services: Services): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>();
  routes.get('/api/auth/validate', requireToken(services), (c) => {
    const { expiresAtMs, scope, subject, tier } = accessOf(c);
    const expiresAt = new Date(expiresAtMs).toISOString();
    return c.json({ valid: true, subject, tier, scope: readScopes(scope), expires_at: expiresAt });
  });
  routes.post('/api/auth/revoke', async (c) => {
    const { token } = checkOAuth(RevokeRequest, await readJson(c));
    services.revoker.revoke(token);
    return c.json({ success: true });
  });
  return routes;
}
