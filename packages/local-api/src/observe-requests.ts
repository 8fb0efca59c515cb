import type { MiddlewareHandler } from 'hono';
import { ConnectionDropped } from './http-problem.js';
import type { ApiEnv, Services } from './services.js';

/** Dates each answer by the API's own clock, and reports each request when it is answered. */
export function observeRequests(services: Services): MiddlewareHandler<ApiEnv> {
  const { events, settings } = services;
  return async (c, next) => {
    const startedAtMs = settings.now();
    const report = (status: number): void => {
      const durationMs = settings.now() - startedAtMs;
      events.emit({ type: 'request', method: c.req.method, path: c.req.path, status, durationMs });
    };
    try {
      await next();
    } catch (error) {
      if (error instanceof ConnectionDropped) report(0);
      throw error;
    }
    if (c.get('isDropped') === true) {
      report(0);
      return;
    }
    const skewMs = c.get('trouble')?.skewMs ?? 0;
    c.header('Date', new Date(settings.now() + skewMs).toUTCString());
    report(c.res.status);
  };
}
