import { Hono } from 'hono';
import * as v from 'valibot';
import { checkOAuth, readJson } from '../request-body.js';
import { parseScopes, ScopeList } from '../scopes.js';
import type { ApiEnv, Services } from '../services.js';

const StartRequest = v.object({ scope: ScopeList }, 'a JSON object');
const PollRequest = v.object(
  { deviceCode: v.pipe(v.string('text'), v.nonEmpty('text that is not empty')) },
  'a JSON object',
);

/** `POST /api/auth/device-code/start` and `/poll`: the device's half of a device login. */
export function deviceCodeRoutes(services: Services): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>();
  routes.post('/api/auth/device-code/start', async (c) => {
    const { scope } = checkOAuth(StartRequest, (await readJson(c)) ?? {});
    const login = services.deviceLogins.start(parseScopes(scope));
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
    const { deviceCode } = checkOAuth(PollRequest, await readJson(c));
    const tokens = await services.deviceLogins.poll(deviceCode);
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
