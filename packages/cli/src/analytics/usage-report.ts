import { groupsOf, unusualIn, type Unusual } from './unusual-patterns.js';
import type { NotableKind, RefreshRecord, UsageRecord } from './usage-record.js';

/** How one scope of a login was used. Members may be added; those here stay. */
export type ScopeUsage = {
  readonly profile: string;
  readonly endpoint: string;
  readonly scope: string;
  /** Tokens that came. */
  readonly refreshes: number;
  readonly failures: number;
  /** Requests that were sent again. */
  readonly retries: number;
  /** How long it took until a token came, in milliseconds; `null` where none did. */
  readonly latencyMs: { readonly median: number; readonly p95: number } | null;
  /** How long tokens live, in milliseconds: the median. */
  readonly lifetimeMs: number | null;
  /** RFC 3339: when the last token came, and when the last failure was. */
  readonly lastRefreshAt: string | null;
  readonly lastFailureAt: string | null;
  /** Tokens that came, by the command that asked. */
  readonly commands: Readonly<Record<string, number>>;
};

/** What else happened, by kind. */
export type NotableUsage = { readonly kind: NotableKind; readonly count: number; readonly lastAt: string };

/** What `km auth stats --json` prints. Members may be added; those here stay. */
export type UsageReport = {
  readonly since: string;
  readonly until: string;
  readonly scopes: readonly ScopeUsage[];
  readonly events: readonly NotableUsage[];
  readonly unusual: readonly Unusual[];
};

/** The value that `part` of `sorted` do not exceed. */
function quantile(sorted: readonly number[], part: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)];
}

function lastAt(records: readonly UsageRecord[]): string | null {
  const last = records.at(-1);
  return last === undefined ? null : new Date(last.at).toISOString();
}

function scopeUsage(group: readonly RefreshRecord[]): readonly ScopeUsage[] {
  const [first] = group;
  if (first === undefined) return [];
  const good = group.filter(({ code }) => code === null);
  const bad = group.filter(({ code }) => code !== null);
  const sorted = (values: readonly number[]): readonly number[] => [...values].sort((a, b) => a - b);
  const latency = sorted(good.map(({ ms }) => ms));
  const [median, p95] = [quantile(latency, 0.5), quantile(latency, 0.95)];
  const lives = sorted(good.flatMap(({ lifeMs }) => lifeMs ?? []));
  const commands = groupsOf(good, ({ by }) => [by]).map((own) => [own[0]?.by ?? '', own.length] as const);
  return [
    {
      profile: first.profile,
      endpoint: first.api,
      scope: first.scope,
      refreshes: good.length,
      failures: bad.length,
      retries: group.reduce((sum, { tries }) => sum + Math.max(0, tries - 1), 0),
      latencyMs: median === undefined || p95 === undefined ? null : { median, p95 },
      lifetimeMs: quantile(lives, 0.5) ?? null,
      lastRefreshAt: lastAt(good),
      lastFailureAt: lastAt(bad),
      commands: Object.fromEntries(commands),
    },
  ];
}

/** How tokens were used, from `records`, the oldest first. */
export function usageReport(records: readonly UsageRecord[], sinceMs: number, untilMs: number): UsageReport {
  const refreshes = records.filter((record) => record.type === 'refresh');
  const events = records.filter((record) => record.type === 'event');
  return {
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    scopes: groupsOf(refreshes, ({ profile, api, scope }) => [profile, api, scope]).flatMap(scopeUsage),
    events: groupsOf(events, ({ kind }) => [kind]).flatMap((group) =>
      group[0] === undefined
        ? []
        : [{ kind: group[0].kind, count: group.length, lastAt: lastAt(group) ?? '' }],
    ),
    unusual: unusualIn(records),
  };
}
