import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { csrfTokenFor, isOwnForm, isOwnHost } from '../device-page/forgery.js';
import { confirmPage, donePage, enterCodePage, refusedPage, type Page } from '../device-page/pages.js';
import { PAGE_HEADERS } from '../device-page/style.js';
import { HttpProblem } from '../http-problem.js';
import { readText } from '../request-body.js';
import type { ApiEnv, Services } from '../services.js';

const NOT_WAITING = 'No device waits under this code. Check it, or start again on the device: codes expire.';

/** `GET` and `POST /device`: the person's half of a device login. Works without scripts. */
export function devicePageRoutes(services: Services): Hono<ApiEnv> {
  const { deviceLogins, settings } = services;
  const routes = new Hono<ApiEnv>();
  routes.use('/device', underOwnName(services));
  routes.get('/device', (c) => {
    const typed = (c.req.query('user_code') ?? '').slice(0, 64);
    if (typed.trim() === '') return send(c, enterCodePage());
    const login = deviceLogins.findPending(typed);
    if (login === undefined) return send(c, enterCodePage({ typed, problem: NOT_WAITING }), 400);
    return send(c, confirmPage(login, deviceLogins.subject, csrfTokenFor(c, settings.randomBytes)));
  });
  routes.post('/device', async (c) => {
    const form = new URLSearchParams(await readText(c));
    if (!isOwnForm(c, form.get('csrf_token'))) return send(c, refusedPage(), 403);
    const typed = (form.get('user_code') ?? '').slice(0, 64);
    const answer = ANSWERS.get(form.get('answer') ?? '');
    if (answer === undefined) return send(c, refusedPage(), 400);
    if (!deviceLogins.decide(typed, answer))
      return send(c, enterCodePage({ typed, problem: NOT_WAITING }), 400);
    return send(c, donePage(answer));
  });
  return routes;
}

function underOwnName(services: Services): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (isOwnHost(c, services.publicUrl())) return next();
    throw new HttpProblem(421, 'misdirected', 'this page is not served under that host name');
  };
}

const ANSWERS: ReadonlyMap<string, 'approved' | 'denied'> = new Map([
  ['approve', 'approved'],
  ['deny', 'denied'],
]);

function send(c: Context<ApiEnv>, page: Page, status: 200 | 400 | 403 = 200): Response | Promise<Response> {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) c.header(name, value);
  return c.html(page, status);
}
