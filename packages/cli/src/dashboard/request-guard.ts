import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** What becomes of a request. */
export type Admission =
  /** It may see everything. */
  | { readonly kind: 'admitted' }
  /** It brought the secret of the link: it gets a cookie, and the link is used up. */
  | { readonly kind: 'opened'; readonly cookie: string }
  | { readonly kind: 'refused'; readonly status: 403 | 421; readonly why: string };

/** What of a request tells who makes it. */
export type Asking = { readonly path: string; readonly headers: IncomingHttpHeaders };

const SECRET_BYTES = 32;
const OPEN = '/open/';
const LOOPBACK_NAMES = /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/;

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function cookieIn(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([own]) => own === name)?.[1];
}

/**
 * Lets in who has the link, and nobody else: other users of this machine and pages of other sites reach this port too.
 * The secret in the link opens once; from then on it is a cookie that only this browser has.
 */
export class RequestGuard {
  /** The path that opens the dashboard. */
  readonly openPath: string;
  readonly #secret = randomBytes(SECRET_BYTES).toString('base64url');
  readonly #session = randomBytes(SECRET_BYTES).toString('base64url');
  readonly #port: number;
  #isOpened = false;

  constructor(port: number) {
    this.#port = port;
    this.openPath = OPEN + this.#secret;
  }

  admit({ path, headers }: Asking): Admission {
    const { host = '', origin, cookie } = headers;
    // A name of another site may be made to lead here (DNS rebinding): its pages would be taken for our own. The port is that
    // of a tunnel where the browser is on another machine.
    if (!LOOPBACK_NAMES.test(host)) return refused(421, 'this server has another name');
    if (origin !== undefined && origin !== `http://${host}`) return refused(403, 'another site asks');
    const site = headers['sec-fetch-site'];
    const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none';
    const given = cookieIn(cookie, this.#cookieName);
    if (path.startsWith(OPEN)) return this.#open(path.slice(OPEN.length), given);
    if (isForeign) return refused(403, 'another site asks');
    if (given !== undefined && isSame(given, this.#session)) return { kind: 'admitted' };
    return refused(403, 'open it with the link that km dashboard printed');
  }

  #open(secret: string, given: string | undefined): Admission {
    if (!isSame(secret, this.#secret)) return refused(403, 'this is not the link that km dashboard printed');
    const isOurs = given !== undefined && isSame(given, this.#session);
    if (this.#isOpened && !isOurs)
      return refused(403, 'the link was used already: run km dashboard again for another one');
    this.#isOpened = true;
    const cookie = `${this.#cookieName}=${this.#session}; Path=/; HttpOnly; SameSite=Strict`;
    return { kind: 'opened', cookie };
  }

  /** Cookies know no port: of two dashboards each has its own. */
  get #cookieName(): string {
    return `km-dashboard-${String(this.#port)}`;
  }
}

function refused(status: 403 | 421, why: string): Admission {
  return { kind: 'refused', status, why };
}
