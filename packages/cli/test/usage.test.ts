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

  test('is not stopped by a pipe in the place of its file', () => {
    const folder = temporaryFolder();
    execFileSync('mkfifo', [join(folder, '2026-03-10.jsonl')]);
    expect(readUsage(folder, 0)).toEqual([]);
    expect(() => appendUsage(folder, [refresh(NOW)], NOW)).toThrow('ENXIO');
  });

  test('cuts what others wrote into a record', () => {
    const line = formatRecord(note(NOW, 'security', 'x'.repeat(100_000)));
    expect(line.length).toBeLessThan(600);
    expect(line.endsWith('\n')).toBe(true);
  });
});
