import { formatDuration } from '@kilometers/auth';
import type { NotableRecord, RefreshRecord, UsageRecord } from './usage-record.js';

/** What is unusual about how tokens are refreshed. */
export type UnusualKind =
  'early-refreshes' | 'refresh-burst' | 'failures' | 'storm' | 'security' | 'clock' | 'lost-answers';

/** Something that a person should look at. Members may be added; those here stay. */
export type Unusual = {
  readonly kind: UnusualKind;
  readonly profile: string;
  readonly endpoint: string;
  /** The scope; `null` where it is about the whole login. */
  readonly scope: string | null;
  /** How often it was seen. */
  readonly count: number;
  /** RFC 3339: when it was seen first, and last. */
  readonly firstAt: string;
  readonly lastAt: string;
  /** What was seen, and what to do. */
  readonly message: string;
};

/** A token is due after half its life at the earliest, less a tenth of that by jitter; what comes before this part is early. */
const EARLY_PART = 0.4;
const EARLY_AT_LEAST = 3;
/** So many refreshes in this time are too many, where the tokens' life does not ask for more. */
const BURST_MS = 600_000;
const BURST_AT_LEAST = 6;
const FAILURES_AT_LEAST = 5;
const FAILURES_PART = 0.3;
const LOST_AT_LEAST = 2;
const JUMP_MS = 60_000;
/** A refresh so soon after a jump of the clock was brought about by it. */
const AFTER_JUMP_MS = 120_000;

type Seen = readonly { readonly at: number }[];

/** What of `records`, the oldest first, is unusual. */
export function unusualIn(records: readonly UsageRecord[]): readonly Unusual[] {
  const refreshes = records.filter((record) => record.type === 'refresh');
  const events = records.filter((record) => record.type === 'event');
  return [
    ...groupsOf(events, ({ profile, api }) => [profile, api]).flatMap(unusualEvents),
    ...groupsOf(refreshes, ({ profile, api, scope }) => [profile, api, scope]).flatMap((group) => [
      ...early(group),
      ...bursts(group),
      ...failures(group),
      ...afterJumps(group, events),
    ]),
  ];
}

/** Records that belong together, in the order in which they came. */
export function groupsOf<T>(
  records: readonly T[],
  keyOf: (record: T) => readonly string[],
): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const record of records) {
    const key = JSON.stringify(keyOf(record));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [record]);
    else group.push(record);
  }
  return [...groups.values()];
}

function unusual(
  kind: UnusualKind,
  of: RefreshRecord | NotableRecord | undefined,
  seen: Seen,
  message: string,
): readonly Unusual[] {
  const [first, last] = [seen[0], seen.at(-1)];
  if (of === undefined || first === undefined || last === undefined) return [];
  return [
    {
      kind,
      profile: of.profile,
      endpoint: of.api,
      scope: of.type === 'refresh' ? of.scope : null,
      count: seen.length,
      firstAt: new Date(first.at).toISOString(),
      lastAt: new Date(last.at).toISOString(),
      message,
    },
  ];
}

/** Refreshes that a person did not ask for. */
function unasked(group: readonly RefreshRecord[]): readonly RefreshRecord[] {
  return group.filter(({ code, by }) => code === null && by !== 'auth refresh');
}

/** Tokens that were replaced long before their time. */
function early(group: readonly RefreshRecord[]): readonly Unusual[] {
  const byToken = new Map(group.map((record) => [record.token, record]));
  const all = unasked(group);
  const seen = all.filter(({ at, replaced }) => {
    const before = replaced === null ? undefined : byToken.get(replaced);
    return before?.lifeMs != null && at - before.at < before.lifeMs * EARLY_PART;
  });
  if (seen.length < EARLY_AT_LEAST || seen.length < all.length * 0.2) return [];
  return unusual(
    'early-refreshes',
    seen[0],
    seen,
    `${seen.length} of ${all.length} refreshes came long before the token's time: something rejects good tokens; see what answers 401`,
  );
}

/** More tokens in a short time than their life explains. */
function bursts(group: readonly RefreshRecord[]): readonly Unusual[] {
  const all = unasked(group);
  const lives = all.flatMap(({ lifeMs }) => lifeMs ?? []).sort((a, b) => a - b);
  const lifeMs = lives[lives.length >> 1] ?? 0;
  // A token of two minutes is refreshed each minute: ten in ten minutes are in order, and two for each are too.
  const limit = BURST_AT_LEAST + (lifeMs > 0 ? (2 * BURST_MS) / (lifeMs / 2) : Number.POSITIVE_INFINITY);
  let worst: readonly RefreshRecord[] = [];
  let from = 0;
  for (const [to, record] of all.entries()) {
    while ((all[from]?.at ?? record.at) < record.at - BURST_MS) from += 1;
    if (to - from + 1 > worst.length) worst = all.slice(from, to + 1);
  }
  if (worst.length <= limit) return [];
  return unusual(
    'refresh-burst',
    worst[0],
    worst,
    `${worst.length} tokens within ${formatDuration(BURST_MS)}, though one lives ${formatDuration(lifeMs)}: is the cache off (KM_NO_TOKEN_CACHE) or not writable? See km doctor`,
  );
}

function failures(group: readonly RefreshRecord[]): readonly Unusual[] {
  const seen = group.filter(({ code }) => code !== null);
  if (seen.length < FAILURES_AT_LEAST || seen.length < group.length * FAILURES_PART) return [];
  const codes = [...new Set(seen.map(({ code }) => code))].join(', ');
  return unusual(
    'failures',
    seen[0],
    seen,
    `${seen.length} of ${group.length} refreshes failed (${codes}); see km doctor`,
  );
}

function afterJumps(group: readonly RefreshRecord[], events: readonly NotableRecord[]): readonly Unusual[] {
  const jumps = events.filter(
    ({ kind, detail }) => kind === 'clock-jump' && Math.abs(Number.parseInt(detail, 10)) > JUMP_MS,
  );
  const seen = group.filter(({ at }) => jumps.some((jump) => at >= jump.at && at - jump.at < AFTER_JUMP_MS));
  return unusual(
    'clock',
    seen[0],
    seen,
    'tokens were refreshed because the clock jumped: the machine slept, or its clock was set; see km doctor',
  );
}

function unusualEvents(group: readonly NotableRecord[]): readonly Unusual[] {
  const of = (kind: NotableRecord['kind']) => group.filter((record) => record.kind === kind);
  const [security, storms, lost] = [of('security'), of('storm'), of('answer-lost')];
  const reasons = [...new Set(security.map(({ detail }) => detail))].join(', ');
  return [
    ...unusual(
      'security',
      security[0],
      security,
      `security events (${reasons}): if you do not know why, revoke the login with km auth logout and log in again`,
    ),
    ...unusual(
      'storm',
      storms[0],
      storms,
      'the brake stopped token requests that no expiry explains: see what rejects the tokens',
    ),
    ...(lost.length < LOST_AT_LEAST
      ? []
      : unusual(
          'lost-answers',
          lost[0],
          lost,
          'answers to refresh tokens were lost on the way: see what is between here and the API',
        )),
  ];
}
