import { execFileSync } from 'node:child_process';
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
import { appendUsage, readUsage } from '../src/analytics/usage-log.js';
import { formatRecord, type UsageRecord } from '../src/analytics/usage-record.js';
import { UsageRecorder } from '../src/analytics/usage-recorder.js';
import { temporaryFolder } from './support/context.js';
import { BASE, DAY_MS, note, NOW, refresh } from './support/usage-records.js';

describe('what is recorded', () => {
  function recorded(send: (onEvent: UsageRecorder['onEvent']) => void): readonly UsageRecord[] {
    const records: UsageRecord[] = [];
    const recorder = new UsageRecorder({
      api: BASE.api,
      by: () => BASE.by,
      scopeOf: (tokenKey) => tokenKey.replace(' "audience=x"', ''),
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

  test('names the scope, not the key under which the token is kept', () => {
    const records = recorded((onEvent) => {
      const of = { scope: 'read "audience=x"', grantType: 'refresh_token' };
      onEvent({ ...at(1_000), type: 'refresh.started', ...of, attempt: 1 });
      onEvent({ ...at(1_100), type: 'refresh.failed', ...of, code: 'KM_AUTH_UNREACHABLE', message: 'gone' });
    });
    expect(records).toMatchObject([{ scope: 'read', tries: 1, grant: 'refresh_token' }]);
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
    expect(readUsage(folder, NOW - DAY_MS, NOW).map(({ at }) => at)).toEqual([NOW - DAY_MS, NOW]);
    expect(readUsage(folder, 0, NOW)).toHaveLength(3);
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
      '{"v":1,"type":"toString"}',
      '\u0000\u0001',
      whole.replace(/"at":\d+/, '"at":1e999'),
      whole.replace(/"at":\d+/, '"at":1e20'),
      whole.replace(/"code":null,/, ''),
      whole.replace(/"lifeMs":\d+/, '"lifeMs":"60"'),
      formatRecord(note(NOW, 'of-a-newer-km' as never)),
    ];
    appendFileSync(join(folder, '2026-03-10.jsonl'), `${wrong.join('\n')}\n${whole}${whole.slice(0, 40)}`);
    expect(readUsage(folder, 0, NOW)).toHaveLength(2);
  });

  test('leaves out what happened by a clock that was ahead, but for as much as clocks differ', () => {
    const folder = temporaryFolder();
    for (const ahead of [1_500 * DAY_MS, 120_000, 30_000])
      appendUsage(folder, [refresh(NOW + ahead)], NOW + ahead);
    expect(readUsage(folder, 0, NOW).map(({ at }) => at)).toEqual([NOW + 30_000]);
  });

  test('knows what a user was told also on a day that it has no more room for', () => {
    const folder = temporaryFolder();
    const full = Array.from({ length: 1_000 }, () => refresh(NOW));
    for (let time = 0; time < 10; time += 1) appendUsage(folder, full, NOW);
    const kept = readUsage(folder, 0, NOW).length;
    const alert: UsageRecord = { ...BASE, at: NOW, type: 'alert', kind: 'failures' };
    // The little room that is left may do for one.
    for (let time = 0; time < 2_000; time += 1) appendUsage(folder, [alert], NOW);
    const alerts = readUsage(folder, 0, NOW).length - kept;
    expect(alerts).toBeGreaterThan(100);
    expect(alerts).toBeLessThan(2_000);
  });

  test('follows no link, and an unreadable folder is an empty one', () => {
    const folder = temporaryFolder();
    const elsewhere = join(temporaryFolder(), 'file');
    writeFileSync(elsewhere, formatRecord(refresh(NOW)));
    symlinkSync(elsewhere, join(folder, '2026-03-10.jsonl'));
    expect(readUsage(folder, 0, NOW)).toEqual([]);
    expect(() => appendUsage(folder, [refresh(NOW)], NOW)).toThrow();
    expect(readFileSync(elsewhere, 'utf8')).toBe(formatRecord(refresh(NOW)));
    expect(readUsage(join(folder, 'nowhere'), 0, NOW)).toEqual([]);
    mkdirSync(join(folder, 'file.jsonl'));
    chmodSync(folder, 0o700);
    expect(readUsage(folder, 0, NOW)).toEqual([]);
  });

  test('is not stopped by a pipe in the place of its file', () => {
    const folder = temporaryFolder();
    execFileSync('mkfifo', [join(folder, '2026-03-10.jsonl')]);
    expect(readUsage(folder, 0, NOW)).toEqual([]);
    expect(() => appendUsage(folder, [refresh(NOW)], NOW)).toThrow('ENXIO');
  });

  test('cuts what others wrote into a record', () => {
    const line = formatRecord(note(NOW, 'security', 'x'.repeat(100_000)));
    expect(line.length).toBeLessThan(600);
    expect(line.endsWith('\n')).toBe(true);
  });
});
