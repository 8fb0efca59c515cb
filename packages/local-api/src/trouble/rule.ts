/** A way in which the token endpoint's answer is odd, yet legal or common. */
export const ODDITIES = [
  'no-expires-in',
  'zero-expires-in',
  'string-expires-in',
  'no-scope',
  'string-scope',
  'lower-token-type',
  'upper-token-type',
  'no-refresh-token',
] as const;

/** A way in which a good answer of the token endpoint is odd. */
export type Oddity = (typeof ODDITIES)[number];

/** A body in place of the real one. */
export type TroubleBody = 'html' | 'truncated' | 'endless' | { readonly json: unknown };

/** `Retry-After`: seconds, an HTTP date as it stands, so many ms from now as an HTTP date, or (null) none. */
export type RetryAfter = number | string | { readonly dateInMs: number } | null;

// How trouble is written is in `parse.ts`, what may not be combined in `check-rule.ts`, and what it does to a request in
// `befall.ts`; oddities are made in `token-answer.ts`.

/** One piece of scripted trouble. What is left out stays as it would be. */
export type TroubleRule = {
  /** Which path it befalls: that path and all below it, `*` stands for anything; `/api/auth/token` unless told. */
  readonly path?: string;
  /** Which method it befalls; any unless told. */
  readonly method?: string;
  /** How many requests it befalls; 1 unless told, `Infinity` for all. */
  readonly count?: number;
  /** Waits so long before anything else; 0 to 2^31 - 1, almost 25 days. */
  readonly latencyMs?: number;
  /** Drops the connection without an answer: `before` the work is done, or `after`. */
  readonly drop?: 'before' | 'after';
  /** Answers with this status, and does no work. */
  readonly status?: number;
  readonly retryAfter?: RetryAfter;
  /**
   * `html`: a captive portal's page, with status 200 unless told. `json`: this value. `endless`: never ends.
   * `truncated`: does the work, then cuts the answer in half.
   */
  readonly body?: TroubleBody;
  /** Redirects there, with 307 unless told. */
  readonly redirect?: string;
  /** Shifts the `Date` header. */
  readonly skewMs?: number;
  /** Makes a good answer of the token endpoint odd. */
  readonly oddity?: Oddity | readonly Oddity[];
};

/** The path trouble befalls unless told. */
const DEFAULT_TROUBLE_PATH = '/api/auth/token';

/** The oddities of a rule, as a list. */
export function odditiesOf(rule: TroubleRule | undefined): readonly Oddity[] {
  const oddity = rule?.oddity;
  if (oddity === undefined) return [];
  return typeof oddity === 'string' ? [oddity] : oddity;
}

/** Whether answers with this status have no body. */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** Whether a rule befalls this request. */
export function befalls(rule: TroubleRule, method: string, path: string): boolean {
  if (rule.method !== undefined && rule.method.toUpperCase() !== method.toUpperCase()) return false;
  const pattern = rule.path ?? DEFAULT_TROUBLE_PATH;
  const source = pattern
    .split('*')
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*');
  const end = pattern.endsWith('/') ? '' : '(/.*)?$';
  return new RegExp(`^${source}${end}`).test(path);
}
