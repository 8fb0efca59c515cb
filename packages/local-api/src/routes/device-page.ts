import { Hono } from 'hono';
import type { ApiEnv, Services } from '../services.js';

export function devicePageRoutes(_services: Services): Hono<ApiEnv> {
  return new Hono<ApiEnv>();
}
