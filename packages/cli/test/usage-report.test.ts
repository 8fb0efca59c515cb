import { describe, expect, test } from 'vitest';
import { unusualIn } from '../src/analytics/unusual-patterns.js';
import type { UsageRecord } from '../src/analytics/usage-record.js';
import { usageReport } from '../src/analytics/usage-report.js';
import { chain, DAY_MS, HOUR_MS, note, NOW, refresh } from './support/usage-records.js';

function kindsIn(records: readonly UsageRecord[]): readonly string[] {
  return unusualIn(records).map(({ kind }) => kind);
}

describe('the report', () => {
  test('counts by scope, with the middle and the slow end', () => {
    const records = [
      ...Array.from({ length: 20 }, (_, index) => refresh(NOW + index * HOUR_MS, { ms: (index + 1) * 10 })),
      refresh(NOW + 20 * HOUR_MS, { code: 'KM_AUTH_UNREACHABLE', token: null, lifeMs: null, tries: 4 }),
      refresh(NOW, { scope: 'plugins', by: 'plugins list' }),
      note(NOW + HOUR_MS, 'fallback'),
    ];
    const report = usageReport(records, NOW, NOW + DAY_MS);
    expect(report.scopes[0]).toEqual({
      profile: 'default',
      endpoint: 'https://api.example',
      scope: 'monitoring',
      refreshes: 20,
      failures: 1,
      retries: 3,
      latencyMs: { median: 100, p95: 190 },
      lifetimeMs: HOUR_MS,
      lastRefreshAt: new Date(NOW + 19 * HOUR_MS).toISOString(),
      lastFailureAt: new Date(NOW + 20 * HOUR_MS).toISOString(),
      commands: { 'auth token': 20 },
    });
    expect(report.scopes[1]).toMatchObject({ scope: 'plugins', commands: { 'plugins list': 1 } });
    expect(report.events).toEqual([
      { kind: 'fallback', count: 1, lastAt: new Date(NOW + HOUR_MS).toISOString() },
    ]);
    expect(report.unusual).toEqual([]);
  });
});

describe('what is unusual', () => {
  test('is not a token that is refreshed at its time, for days, however short its life', () => {
    expect(kindsIn(chain(100, 0.55 * HOUR_MS))).toEqual([]);
    expect(kindsIn(chain(500, 2_000, { lifeMs: 4_000 }))).toEqual([]);
  });

  test('is a token that is replaced long before its time, again and again', () => {
    const [found] = unusualIn(chain(5, 0.25 * HOUR_MS));
    expect(found).toMatchObject({ kind: 'early-refreshes', scope: 'monitoring', count: 4 });
    expect(kindsIn(chain(5, 0.25 * HOUR_MS, { by: 'auth refresh' }))).toEqual([]);
  });

  test('is a burst of new tokens that one would have served', () => {
    const each = (index: number) => refresh(NOW + index * 1_000, { replaced: null, grant: 'api_key' });
    expect(kindsIn(Array.from({ length: 5 }, (_, index) => each(index)))).toEqual([]);
    expect(kindsIn(Array.from({ length: 12 }, (_, index) => each(index)))).toEqual(['refresh-burst']);
  });

  test('are many failures, and not the few of an outage', () => {
    const failed = (index: number) =>
      refresh(NOW + index * HOUR_MS, { code: 'KM_AUTH_UNREACHABLE', token: null, lifeMs: null });
    const five = Array.from({ length: 5 }, (_, index) => failed(index));
    expect(kindsIn(five.slice(1))).toEqual([]);
    expect(kindsIn(five)).toEqual(['failures']);
    expect(kindsIn([...five, ...chain(40, 0.6 * HOUR_MS)])).toEqual([]);
  });

  test('are storms, security events, lost answers, and refreshes after a jump of the clock', () => {
    expect(kindsIn([note(NOW, 'storm')])).toEqual(['storm']);
    expect(kindsIn([note(NOW, 'security', 'refresh-token-reused')])).toEqual(['security']);
    expect(kindsIn([note(NOW, 'answer-lost')])).toEqual([]);
    expect(kindsIn([note(NOW, 'answer-lost'), note(NOW + 1, 'answer-lost')])).toEqual(['lost-answers']);
    const jump = note(NOW, 'clock-jump', '7200000 ms');
    expect(kindsIn([jump, refresh(NOW + 1_000)])).toEqual(['clock']);
    expect(kindsIn([jump, refresh(NOW + HOUR_MS)])).toEqual([]);
  });
});
