import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { unusualIn } from '../src/analytics/unusual-patterns.js';
import { appendUsage, readUsage } from '../src/analytics/usage-log.js';
import {
  formatRecord,
  type NotableRecord,
  type RefreshRecord,
  type UsageRecord,
} from '../src/analytics/usage-record.js';
import { UsageRecorder } from '../src/analytics/usage-recorder.js';
import { usageReport } from '../src/analytics/usage-report.js';
import { temporaryFolder } from './support/context.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.parse('2026-03-10T12:00:00Z');
const BASE = { profile: 'default', api: 'https://api.example', by: 'auth token' };

function refresh(at: number, changes: Partial<RefreshRecord> = {}): RefreshRecord {
  return {
    ...BASE,
    type: 'refresh',
    at,
    scope: 'monitoring',
    code: null,
    grant: 'refresh_token',
    tries: 1,
    ms: 100,
    token: `token-${at}`,
    replaced: null,
    lifeMs: HOUR_MS,
    ...changes,
  };
}

function note(at: number, kind: NotableRecord['kind'], detail = ''): NotableRecord {
  return { ...BASE, type: 'event', at, kind, detail };
}

/** `count` refreshes, each of the token before it, `everyMs` apart. */
function chain(count: number, everyMs: number, changes: Partial<RefreshRecord> = {}): RefreshRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const at = NOW + index * everyMs;
    return refresh(at, { replaced: index === 0 ? null : `token-${at - everyMs}`, ...changes });
  });
}

function kindsIn(records: readonly UsageRecord[]): readonly string[] {
  return unusualIn(records).map(({ kind }) => kind);
}

describe('what is recorded', () => {
  function recorded(send: (onEvent: UsageRecorder['onEvent']) => void): readonly UsageRecord[] {
    const records: UsageRecord[] = [];
    const recorder = new UsageRecorder({
      api: BASE.api,
      by: () => BASE.by,
      write: (record) => records.push(record),
    });
    send(recorder.onEvent);
    return records;
  }
  const at = (atMs: number) => ({ profile: 'default', atMs });

  test('is one record for a refresh, with all its tries and waits', () => {
    const records = recorded((onEvent) => {
      const grant = { scope: 'monitoring', grantType: 'refresh_token' };
      onEvent({ ...at(1_000), type: 'refresh.started', ...grant, attempt: 1 });
      onEvent({
        ...at(1_100),
        type: 'refresh.retried',
        scope: 'monitoring',
        attempt: 2,
        delayMs: 9,
        reason: 'x',
      });
      onEvent({ ...at(1_200), type: 'refresh.started', ...grant, attempt: 2 });
      onEvent({
        ...at(1_300),
        type: 'token.refreshed',
        ...grant,
        token: 'b',
        replaced: 'a',
        expiresAtMs: 61_300,
      });
    });
    expect(records).toEqual([
      {
        ...BASE,
        type: 'refresh',
        at: 1_300,
        scope: 'monitoring',
        code: null,
        grant: 'refresh_token',
        tries: 2,
        ms: 300,
        token: 'b',
        replaced: 'a',
        lifeMs: 60_000,
      },
    ]);
  });

  test('is no hit, no token of another process, and no message', () => {
    const records = recorded((onEvent) => {
      onEvent({ ...at(1), type: 'token.adopted', scope: 's', token: 'a', expiresAtMs: 2 });
      onEvent({ ...at(1), type: 'token.due', scope: 's', token: 'a', remainingMs: 2 });
      onEvent({
        ...at(1),
        type: 'refresh.failed',
        scope: 's',
        code: 'KM_AUTH_LOGIN_REQUIRED',
        message: 'secret',
      });
      onEvent({ ...at(2), type: 'security.event', reason: 'token-revoked', message: 'secret' });
      onEvent({ ...at(3), type: 'offline.entered', reason: 'secret' });
    });
    expect(records.map((record) => ('kind' in record ? record.kind : record.type))).toEqual([
      'security',
      'offline',
    ]);
    expect(JSON.stringify(records)).not.toContain('secret');
  });
});

describe('the log', () => {
  test('is read back, from the time that is asked for, across days', () => {
    const folder = join(temporaryFolder(), 'deep', 'analytics');
    for (const age of [3 * DAY_MS, DAY_MS, 0]) appendUsage(folder, [refresh(NOW - age)], NOW - age);
    expect(readUsage(folder, NOW - DAY_MS).map(({ at }) => at)).toEqual([NOW - DAY_MS, NOW]);
    expect(readUsage(folder, 0)).toHaveLength(3);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  test('drops what is older than a month, and takes no more than its share of a day', () => {
    const folder = temporaryFolder();
    appendUsage(folder, [refresh(NOW - 40 * DAY_MS)], NOW - 40 * DAY_MS);
    writeFileSync(join(folder, 'not-ours.jsonl'), '');
    appendUsage(folder, [refresh(NOW)], NOW);
    expect(readdirSync(folder).sort()).toEqual(['2026-03-10.jsonl', 'not-ours.jsonl']);
    const many = Array.from({ length: 3_000 }, () => refresh(NOW));
    for (let time = 0; time < 5; time += 1) appendUsage(folder, many, NOW);
    expect(statSync(join(folder, '2026-03-10.jsonl')).size).toBeLessThanOrEqual(1024 * 1024);
  });

  test('passes over lines that are cut off, damaged, or of another version', () => {
    const folder = temporaryFolder();
    appendUsage(folder, [refresh(NOW)], NOW);
    const whole = formatRecord(refresh(NOW));
    const wrong = [
      '{"v":2,"type":"refresh"}',
      'null',
      '[]',
      '{"v":1,"type":"refresh","at":"x"}',
      '\u0000\u0001',
    ];
    appendFileSync(join(folder, '2026-03-10.jsonl'), `${wrong.join('\n')}\n${whole}${whole.slice(0, 40)}`);
    expect(readUsage(folder, 0)).toHaveLength(2);
  });

  test('follows no link, and an unreadable folder is an empty one', () => {
    const folder = temporaryFolder();
    const elsewhere = join(temporaryFolder(), 'file');
    writeFileSync(elsewhere, formatRecord(refresh(NOW)));
    symlinkSync(elsewhere, join(folder, '2026-03-10.jsonl'));
    expect(readUsage(folder, 0)).toEqual([]);
    expect(() => appendUsage(folder, [refresh(NOW)], NOW)).toThrow();
    expect(readFileSync(elsewhere, 'utf8')).toBe(formatRecord(refresh(NOW)));
    expect(readUsage(join(folder, 'nowhere'), 0)).toEqual([]);
    mkdirSync(join(folder, 'file.jsonl'));
    chmodSync(folder, 0o700);
    expect(readUsage(folder, 0)).toEqual([]);
  });

  test('cuts what others wrote into a record', () => {
    const line = formatRecord(note(NOW, 'security', 'x'.repeat(100_000)));
    expect(line.length).toBeLessThan(600);
    expect(line.endsWith('\n')).toBe(true);
  });
});

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
