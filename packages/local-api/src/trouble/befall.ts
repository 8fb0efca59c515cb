import type { Context, MiddlewareHandler } from 'hono';
import { ConnectionDropped } from '../http-problem.js';
import type { ApiEnv, Services } from '../services.js';
import { endlessBody, PORTAL_PAGE, truncatedBody } from './bodies.js';
import { isBodiless, type RetryAfter, type TroubleRule } from './rule.js';

/** How long a client is to wait, in seconds, unless a rule says otherwise. */
export const RETRY_AFTER_SECONDS = 1;

/** Lets scripted trouble befall requests. */
export function troubleMiddleware(services: Services): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { method, path } = c.req;
    const rule = services.trouble.take(method, path);
    if (rule === undefined) return next();
    c.set('trouble', rule);
    services.events.emit({ type: 'trouble.applied', method, path, rule });
    if (rule.latencyMs !== undefined) await services.settings.sleep(rule.latencyMs, services.closing);
    if (rule.drop === 'before') return dropConnection(c);
    const instead = answerInstead(rule, services);
    if (instead !== undefined) return instead;
    await next();
    if (rule.drop === 'after') return dropConnection(c);
    if (rule.body === 'truncated') return truncate(c);
    return undefined;
  };
}

function answerInstead(rule: TroubleRule, services: Services): Response | undefined {
  const { body, redirect, status } = rule;
  const headers = retryHeaders(rule, services.settings.now());
  if (redirect !== undefined) {
    return new Response(null, { status: status ?? 307, headers: { ...headers, Location: redirect } });
  }
  if (body === 'html') {
    const type = { 'Content-Type': 'text/html; charset=utf-8' };
    return new Response(PORTAL_PAGE, { status: status ?? 200, headers: { ...headers, ...type } });
  }
  if (body === 'endless') {
    const type = { 'Content-Type': 'application/json' };
    const stream = endlessBody(services.settings.sleep, services.closing);
    return new Response(stream, { status: status ?? 200, headers: { ...headers, ...type } });
  }
  if (typeof body === 'object') return Response.json(body.json, { status: status ?? 200, headers });
  if (status === undefined) return undefined;
  if (isBodiless(status)) return new Response(null, { status, headers });
  const name = status === 503 || status === 429 ? 'temporarily_unavailable' : 'scripted_trouble';
  return Response.json({ error: name, error_description: 'scripted trouble' }, { status, headers });
}

function retryHeaders(rule: TroubleRule, nowMs: number): Record<string, string> {
  const isDue = rule.status === 429 || rule.status === 503;
  const value = rule.retryAfter === undefined && isDue ? RETRY_AFTER_SECONDS : rule.retryAfter;
  return value === undefined || value === null ? {} : { 'Retry-After': retryAfterText(value, nowMs) };
}

function retryAfterText(value: NonNullable<RetryAfter>, nowMs: number): string {
  return typeof value === 'object' ? new Date(nowMs + value.dateInMs).toUTCString() : value.toString();
}

/** Ends the connection at once; with no socket there is, the request rejects as `fetch` would. */
function dropConnection(c: Context<ApiEnv>): Response {
  const outgoing = socketOf(c);
  if (outgoing === undefined) throw new ConnectionDropped();
  c.set('isDropped', true);
  outgoing.destroy();
  return alreadySent(c);
}

async function truncate(c: Context<ApiEnv>): Promise<Response> {
  const whole = new Uint8Array(await c.res.arrayBuffer());
  const half = whole.subarray(0, Math.ceil(whole.length / 2));
  const outgoing = socketOf(c);
  if (outgoing === undefined) {
    return replaceAnswer(c, new Response(truncatedBody(half), c.res));
  }
  c.set('isDropped', true);
  outgoing.writeHead(c.res.status, { ...Object.fromEntries(c.res.headers), 'content-length': whole.length });
  outgoing.write(half, () => outgoing.destroy());
  return alreadySent(c);
}

/** Where the answer goes; `app.request()` leaves the bindings out altogether. */
function socketOf(c: Context<ApiEnv>): ApiEnv['Bindings']['outgoing'] {
  return (c.env as ApiEnv['Bindings'] | undefined)?.outgoing;
}

/** Tells the server adapter to leave the socket alone. */
function alreadySent(c: Context<ApiEnv>): Response {
  return replaceAnswer(c, new Response(null, { headers: { 'x-hono-already-sent': 'true' } }));
}

/** Once the work is done, what a middleware returns is ignored, and what it sets is merged: so clear, then set. */
function replaceAnswer(c: Context<ApiEnv>, response: Response): Response {
  c.res = undefined;
  c.res = response;
  return response;
}
