import { Hono } from 'hono';
import * as v from 'valibot';
import { OAuthError } from '../oauth-error.js';
import { check, readJson } from '../request-body.js';
import { parseScopes } from '../scopes.js';
import type { ApiEnv, Services } from '../services.js';

const StartRequest = v.object(
  { scope: v.optional(v.union([v.string(), v.array(v.string())], 'a list of scopes, or one text')) },
  'a JSON object',
);
const PollRequest = v.object(
  { deviceCode: v.pipe(v.string('text'), v.nonEmpty('text that is not empty')) },
  'a JSON object',
);

/** `POST /api/auth/device-code/start` and `/poll`: the device's half of a device login. */
export function deviceCodeRoutes(services: Services): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>();
  routes.post('/api/auth/device-code/start', async (c) => {
    const request = check(StartRequest, (await readJson(c)) ?? {});
    if ('flaw' in request) throw new OAuthError('invalid_request', request.flaw.message);
    const login = services.deviceLogins.start(parseScopes(request.value.scope));
    const verificationUri = `${services.publicUrl()}/device`;
    c.header('Cache-Control', 'no-store');
    return c.json({
      deviceCode: login.deviceCode,
      userCode: login.userCode,
      verificationUri,
      verificationUriComplete: `${verificationUri}?user_code=${login.userCode}`,
      expiresIn: login.expiresInSeconds,
      interval: login.intervalSeconds,
    });
  });
  routes.post('/api/auth/device-code/poll', async (c) => {
    const request = check(PollRequest, await readJson(c));
    if ('flaw' in request) throw new OAuthError('invalid_request', request.flaw.message);
    const tokens = await services.deviceLogins.poll(request.value.deviceCode);
    c.header('Cache-Control', 'no-store');
    return c.json({
      token: {
        accessToken: tokens.accessToken,
        accessTokenExpiresAt: new Date(tokens.expiresAtMs).toISOString(),
        tokenType: 'Bearer',
        ...(tokens.refreshToken === undefined ? {} : { refreshToken: tokens.refreshToken }),
        scope: tokens.scope,
      },
    });
  });
  return routes;
}
