import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MonitorLogTail, type LogLine } from '../src/demo/monitor-log-tail.js';

const READ_BYTES = 64 * 1024;

let folder: string;
let log: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-log-tail-'));
  log = join(folder, 'log');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a character that two reads share is whole', async () => {
  const head = '{"at":"","type":"';
  // Of the two bytes of the first ü the first read has one.
  const type = `${'x'.repeat(READ_BYTES - 1 - head.length)}üü`;
  writeFileSync(log, `${head}${type}"}\n`);
  const lines: LogLine[] = [];
  const tail = await MonitorLogTail.start(log, (line) => lines.push(line));
  await tail.stop();
  expect(lines).toEqual([{ at: '', type }]);
});

test('a line that cannot be read is told to who stops it', async () => {
  writeFileSync(log, 'no JSON\n');
  const tail = await MonitorLogTail.start(log, () => undefined);
  await expect(tail.stop()).rejects.toThrow(SyntaxError);
});
