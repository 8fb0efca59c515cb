import { isIP } from 'node:net';
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { hashSecret, newSecret, type RandomBytes } from '../secrets.js';
import type { ApiEnv } from '../services.js';

const COOKIE = 'km_device_csrf';
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** The token a form must carry to be accepted; it lives in a cookie that only this page gets. */
export function csrfTokenFor(c: Context<ApiEnv>, random: RandomBytes): string {
  const known = getCookie(c, COOKIE);
  if (known !== undefined && TOKEN.test(known)) return known;
  const token = newSecret('', random);
  setCookie(c, COOKIE, token, { httpOnly: true, sameSite: 'Strict', path: '/device' });
  return token;
}

/** Whether a form was sent by a page of this site: its token fits the cookie, and the browser names no other origin. */
export function isOwnForm(c: Context<ApiEnv>, token: string | null): boolean {
  const known = getCookie(c, COOKIE);
  if (known === undefined || token === null || !TOKEN.test(known)) return false;
  const origin = c.req.header('origin');
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === hostOf(c))) return false;
  const site = c.req.header('sec-fetch-site') ?? 'same-origin';
  return site === 'same-origin' && hashSecret(known) === hashSecret(token);
}

/**
 * Whether the page was asked for under a name of this API. A name that somebody else pointed here (DNS rebinding)
 * would make their page one of ours.
 */
export function isOwnHost(c: Context<ApiEnv>, publicUrl: string): boolean {
  const { hostname } = new URL(`http://${hostOf(c)}`);
  const bare = hostname.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || isIP(bare) !== 0 || hostname === new URL(publicUrl).hostname;
}

function hostOf(c: Context<ApiEnv>): string {
  return new URL(c.req.url).host;
}
