import { Hono, type Context } from 'hono';
import { accessOf, requireToken } from '../authenticate.js';
import { featureEnds } from '../let-in.js';
import type { ApiEnv, Services } from '../services.js';
import type { Account } from '../store/accounts.js';
import type { Tier } from '../tiers.js';

/** What each tier adds to the one below. */
const ADDED: Readonly<Record<Tier, readonly string[]>> = {
  free: ['basic_monitoring', 'console_logging'],
  pro: ['api_logging', 'offline_queue', 'risk_detection', 'custom_plugins'],
  enterprise: ['team_collaboration', 'compliance_reporting', 'fleet_cache'],
};

const FEATURES: Readonly<Record<Tier, readonly string[]>> = {
  free: ADDED.free,
  pro: [...ADDED.free, ...ADDED.pro],
  enterprise: [...ADDED.free, ...ADDED.pro, ...ADDED.enterprise],
};

/** `GET /api/user/features`: what an account may use, by token or by API key. */
export function featuresRoute(services: Services): Hono<ApiEnv> {
  const ends = featureEnds(services.settings);
  const answer = (c: Context<ApiEnv>, { subject, tier }: Account): Response => {
    const endsAtMs = ends.get(subject);
    const end = endsAtMs === undefined ? {} : { expires_at: new Date(endsAtMs).toISOString() };
    return c.json({ tier, features: FEATURES[tier], ...end });
  };
  const routes = new Hono<ApiEnv>();
  routes.get('/api/user/features', async (c, next) => {
    const apiKey = c.req.header('x-api-key');
    if (apiKey === undefined || c.req.header('authorization') !== undefined) return next();
    const account = services.store.accounts.findByApiKey(apiKey);
    if (account !== undefined && !account.isRevoked) return answer(c, account);
    services.store.counters.add('access_refused', services.settings.now());
    services.events.emit({
      type: 'access.refused',
      path: c.req.path,
      reason: account ? 'revoked' : 'unknown',
    });
    const description = account ? 'API key revoked' : 'unknown API key';
    return c.json({ error: 'invalid_client', error_description: description }, 401, {
      'WWW-Authenticate': 'Bearer realm="kilometers"',
    });
  });
  routes.get('/api/user/features', requireToken(services), (c) => answer(c, accessOf(c)));
  return routes;
}
