/** What every record says. Tokens stand here by fingerprint, and credentials not at all. */
type RecordBase = {
  /** When, in milliseconds since the epoch. */
  readonly at: number;
  readonly profile: string;
  /** The origin of the API. */
  readonly api: string;
  /** The command that ran, as in `auth token`. */
  readonly by: string;
};

/** A token was asked for, and came or did not. */
export type RefreshRecord = RecordBase & {
  readonly type: 'refresh';
  readonly scope: string;
  /** Why there was none: an error code; `null` where there was one. */
  readonly code: string | null;
  /** The grant that was used last; `null` where nothing was sent. */
  readonly grant: string | null;
  /** How many requests it took. */
  readonly tries: number;
  /** How long it took with all waits, in milliseconds. */
  readonly ms: number;
  /** The token that came, and the one that it replaced. */
  readonly token: string | null;
  readonly replaced: string | null;
  /** How long it lives, in milliseconds. */
  readonly lifeMs: number | null;
};

/** What is worth counting besides. */
export const NOTABLE = [
  'fallback',
  'grant-cleared',
  'answer-lost',
  'security',
  'storm',
  'clock-jump',
  'clock-skew',
  'offline',
  'cache-corrupt',
] as const;

export type NotableKind = (typeof NOTABLE)[number];

/** Something happened that is no refresh. */
export type NotableRecord = RecordBase & {
  readonly type: 'event';
  readonly kind: NotableKind;
  readonly detail: string;
};

/** A user was told of something unusual. */
export type AlertRecord = RecordBase & { readonly type: 'alert'; readonly kind: string };

export type UsageRecord = RefreshRecord | NotableRecord | AlertRecord;

/** No record is longer: what others wrote into one is cut. */
const LONGEST_TEXT = 200;

/** A record as a line of the log. */
export function formatRecord(record: UsageRecord): string {
  const cut = (_: string, value: unknown): unknown =>
    typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : value;
  return `${JSON.stringify({ v: 1, ...record }, cut)}\n`;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => Number.isFinite(value);
const isMoment: Check = (value) => isNumber(value) && !Number.isNaN(new Date(value as number).getTime());
const isKnownKind: Check = (value) => (NOTABLE as readonly unknown[]).includes(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

const BASE = { at: isMoment, profile: isText, api: isText, by: isText };
const SHAPES: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  refresh: {
    ...BASE,
    scope: isText,
    code: orNull(isText),
    grant: orNull(isText),
    tries: isNumber,
    ms: isNumber,
    token: orNull(isText),
    replaced: orNull(isText),
    lifeMs: orNull(isNumber),
  },
  event: { ...BASE, kind: isKnownKind, detail: isText },
  alert: { ...BASE, kind: isText },
};

/** The record of a line; `undefined` where it is none: cut off, damaged, or of another version of `km`. */
export function parseRecord(line: string): UsageRecord | undefined {
  let read: unknown;
  try {
    read = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof read !== 'object' || read === null) return undefined;
  const record = read as Readonly<Record<string, unknown>>;
  const type = record['type'];
  const shape = typeof type === 'string' && Object.hasOwn(SHAPES, type) ? SHAPES[type] : undefined;
  if (record['v'] !== 1 || shape === undefined) return undefined;
  const fits = Object.entries(shape).every(([member, check]) => check(record[member]));
  return fits ? (read as UsageRecord) : undefined;
}
