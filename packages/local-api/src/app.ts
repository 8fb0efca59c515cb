import { Hono } from 'hono';
import { ConnectionDropped, HttpProblem } from './http-problem.js';
import { OAuthError } from './oauth-error.js';
import { observeRequests } from './observe-requests.js';
import { deviceCodeRoutes } from './routes/device-code.js';
import { devicePageRoutes } from './routes/device-page.js';
import { eventsRoute } from './routes/events.js';
import { featuresRoute } from './routes/features.js';
import { healthRoutes } from './routes/health.js';
import { pluginRoutes } from './routes/plugins.js';
import { sessionRoutes } from './routes/session.js';
import { tokenRoute } from './routes/token.js';
import type { ApiEnv, Services } from './services.js';
import { RETRY_AFTER_SECONDS, troubleMiddleware } from './trouble/befall.js';

/** The API as a handler of requests, with or without a socket. */
export function createApp(services: Services): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.use(observeRequests(services));
  app.use(troubleMiddleware(services));
  for (const routes of [
    healthRoutes,
    tokenRoute,
    sessionRoutes,
    deviceCodeRoutes,
    devicePageRoutes,
    featuresRoute,
    eventsRoute,
    pluginRoutes,
  ]) {
    app.route('/', routes(services));
  }
  app.notFound((c) =>
    c.json({ error: 'not_found', error_description: `there is no ${c.req.method} ${c.req.path}` }, 404),
  );
  app.onError((error, c) => {
    if (error instanceof ConnectionDropped) throw error;
    if (error instanceof OAuthError) {
      c.header('Cache-Control', 'no-store');
      return c.json({ error: error.error, error_description: error.message }, error.status);
    }
    if (error instanceof HttpProblem) {
      if (error.status === 413) c.header('Connection', 'close');
      return c.json(error.body, error.status);
    }
    if (services.closing.aborted) {
      c.header('Retry-After', String(RETRY_AFTER_SECONDS));
      return c.json({ error: 'closing', error_description: 'the API is closing' }, 503);
    }
    services.events.emit({ type: 'failed', path: c.req.path, error });
    return c.json(
      { error: 'server_error', error_description: 'the embedded API failed; this is a fault of its own' },
      500,
    );
  });
  return app;
}
