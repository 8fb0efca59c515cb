import { isStream } from './request-body.js';

/** A request in parts, so that it can be sent again. */
export type OutgoingRequest = {
  readonly url: URL;
  readonly init: RequestInit & { readonly method: string; readonly headers: Headers };
};

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What is for one origin only. */
const OWN_HEADERS = ['authorization', 'dpop', 'cookie', 'proxy-authorization', 'host'];
const BODY_HEADERS = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
];

function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD';
  return (status === 301 || status === 302) && method === 'POST';
}

/**
 * The request that a redirect asks for, as `fetch` makes it; `undefined` where the answer is none.
 *
 * @see {@link https://fetch.spec.whatwg.org/#http-redirect-fetch | Fetch §4.4}
 */
export function redirected(
  { url, init }: OutgoingRequest,
  { status, headers: answered }: Pick<Response, 'status' | 'headers'>,
): OutgoingRequest | undefined {
  const location = answered.get('location');
  if (!REDIRECTS.has(status) || location === null) return undefined;
  if (!URL.canParse(location, url.href)) throw new TypeError(`${url.origin} redirects to what is no URL`);
  const next = new URL(location, url);
  if (next.protocol !== 'https:' && next.protocol !== 'http:')
    throw new TypeError(`${url.origin} redirects to a URL of ${next.protocol}`);
  if (next.hash === '') next.hash = url.hash;
  const headers = new Headers(init.headers);
  if (next.origin !== url.origin) for (const name of OWN_HEADERS) headers.delete(name);
  if (!becomesGet(status, init.method)) {
    if (isStream(init.body)) throw new TypeError(`${url.origin} redirects, and the body was a stream`);
    return { url: next, init: { ...init, headers } };
  }
  for (const name of BODY_HEADERS) headers.delete(name);
  return { url: next, init: { ...init, method: 'GET', headers, body: null } };
}
