import { existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { MonitorLog, openMonitorLog } from '../src/monitor/monitor-log.js';
import { temporaryFolder } from './support/context.js';
import { until } from './support/queue.js';

const NOTICE = { type: 'line.ignored', direction: 'inbound', size: 1 } as const;

test.skipIf(!existsSync('/dev/full'))('a log that cannot be written any more is told once', async () => {
  const told: string[] = [];
  const log = new MonitorLog(openSync('/dev/full', 'w'), systemClock, (message) => told.push(message));
  log.onNotice(NOTICE);
  await until(() => told.length > 0);
  log.onNotice(NOTICE);
  await log.close();
  expect(told).toEqual([expect.stringMatching(/^the log ends here, and the session goes on: .*ENOSPC/)]);
});

test('what was left out last is told at the end', async () => {
  const path = join(temporaryFolder(), 'log.jsonl');
  const log = new MonitorLog(openMonitorLog(path), systemClock, expect.unreachable);
  for (let n = 0; n < 100_000; n += 1) log.onNotice(NOTICE);
  await log.close();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
    type: 'log.left-out',
    lines: 100_000 - (lines.length - 1),
  });
});
