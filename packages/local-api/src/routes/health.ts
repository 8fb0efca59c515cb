import { Hono } from 'hono';
import type { ApiEnv, Services } from '../services.js';

/** `GET /health` and `GET /.well-known/jwks.json`: what anybody may ask. */
export function healthRoutes(services: Services): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>();
  routes.get('/health', (c) =>
    c.json({ status: 'healthy', time: new Date(services.settings.now()).toISOString() }),
  );
  routes.get('/.well-known/jwks.json', (c) => {
    c.header('Cache-Control', 'public, max-age=300');
    return c.json(services.mint.jwks());
  });
  return routes;
}
