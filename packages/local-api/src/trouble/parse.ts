import { badTrouble, checkRule } from './check-rule.js';
import { ODDITIES, type Oddity, type RetryAfter, type TroubleBody, type TroubleRule } from './rule.js';

type Reader = (value: string) => TroubleRule;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Each key, what it takes, and how it is read. */
const KEYS: Readonly<Record<string, { readonly takes: string; readonly read: Reader }>> = {
  status: { takes: 'an HTTP status such as 503', read: (value) => ({ status: wholeNumber(value) }) },
  count: {
    takes: 'a whole number, or inf',
    read: (value) => ({ count: value === 'inf' ? Number.POSITIVE_INFINITY : wholeNumber(value) }),
  },
  path: {
    takes: 'a path such as /api/events/batch or /api/*',
    read: (value) => {
      if (!/^[/*]/.test(value)) throw new SyntaxError();
      return { path: value };
    },
  },
  method: {
    takes: 'GET or POST',
    read: (value) => {
      if (!/^[a-z]+$/i.test(value)) throw new SyntaxError();
      return { method: value.toUpperCase() };
    },
  },
  'retry-after': {
    takes: 'seconds, an HTTP date, a wait such as +5s (sent as a date), or none',
    read: (value) => ({ retryAfter: retryAfter(value) }),
  },
  latency: { takes: 'a duration such as 500ms or 2s', read: (value) => ({ latencyMs: duration(value) }) },
  drop: {
    takes: 'before or after (the work)',
    read: (value) => {
      if (value !== 'before' && value !== 'after') throw new SyntaxError();
      return { drop: value };
    },
  },
  body: {
    takes: 'html, truncated, endless, or json:<JSON> (as the last key)',
    read: (value) => ({ body: body(value) }),
  },
  redirect: {
    takes: 'a URL',
    read: (value) => {
      if (!URL.canParse(value) && !value.startsWith('/')) throw new SyntaxError();
      return { redirect: value };
    },
  },
  skew: {
    takes: 'a shift of the Date header such as +1h or -10m',
    read: (value) => ({
      skewMs: value.startsWith('-') ? -duration(value.slice(1)) : duration(value.replace('+', '')),
    }),
  },
  oddity: {
    takes: `one or more of ${ODDITIES.join(', ')}, joined by +`,
    read: (value) => ({ oddity: oddities(value) }),
  },
};

/**
 * Reads scripted trouble, such as `status=503,count=2` or `drop=after,path=/api/events/batch`.
 *
 * @throws {LocalApiError} `KM_LOCAL_API_BAD_TROUBLE`, with a message that lists what is allowed.
 */
export function parseTrouble(text: string): TroubleRule {
  let rule: TroubleRule = {};
  for (const part of split(text)) {
    const name = part
      .slice(0, Math.max(0, part.indexOf('=')))
      .trim()
      .toLowerCase();
    const key = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
    if (key === undefined) throw badTrouble(`cannot read trouble "${part}". ${allowed()}`);
    try {
      rule = { ...rule, ...key.read(part.slice(part.indexOf('=') + 1).trim()) };
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw badTrouble(`trouble "${part}": ${name} takes ${key.takes}. ${allowed()}`);
    }
  }
  checkRule(rule);
  return rule;
}

/** The keys of trouble, for help and error messages. */
export function describeTroubleKeys(): readonly { readonly key: string; readonly takes: string }[] {
  return Object.entries(KEYS).map(([key, { takes }]) => ({ key, takes }));
}

function allowed(): string {
  const keys = describeTroubleKeys().map(({ key, takes }) => `${key}=${takes}`);
  return `Allowed, separated by commas: ${keys.join('; ')}`;
}

/** Splits at commas, except that of an HTTP date; JSON runs to the end. */
function split(text: string): readonly string[] {
  const json = /(?:^|,)\s*body=json:/i.exec(text);
  const head = json === null ? text : text.slice(0, json.index);
  const parts = head === '' ? [] : head.split(',').reduce<string[]>(joinDates, []);
  return json === null ? parts : [...parts, text.slice(json.index).replace(/^,/, '').trim()];
}

function joinDates(parts: readonly string[], part: string): string[] {
  const before = parts.at(-1);
  if (before === undefined || !/^\s*retry-after=[a-z]{3}$/i.test(before)) return [...parts, part];
  return [...parts.slice(0, -1), `${before},${part}`];
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new SyntaxError();
  return Number(text);
}

function duration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ''];
  if (match === null || unit === undefined) throw new SyntaxError();
  return Math.round(Number(match[1]) * unit);
}

function retryAfter(text: string): RetryAfter {
  if (text === 'none') return null;
  if (/^\d+$/.test(text)) return wholeNumber(text);
  if (text.startsWith('+')) return { dateInMs: duration(text.slice(1)) };
  if (!text.endsWith(' GMT') || Number.isNaN(Date.parse(text))) throw new SyntaxError();
  return text;
}

function body(text: string): TroubleBody {
  if (text === 'html' || text === 'truncated' || text === 'endless') return text;
  if (!text.startsWith('json:')) throw new SyntaxError();
  return { json: JSON.parse(text.slice('json:'.length)) as unknown };
}

function oddities(text: string): readonly Oddity[] {
  return text.split('+').map((word) => {
    const oddity = ODDITIES.find((known) => known === word.trim());
    if (oddity === undefined) throw new SyntaxError();
    return oddity;
  });
}
