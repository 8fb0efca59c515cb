import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, accountAt, monitoring } from './support/km.js';
import { runUntilStored } from './support/run-until.js';
import { ECHO } from './support/scripted-servers.js';

const SECRET = 'only-in-the-payload';
const input = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"${SECRET}"}\nno message\n`;

type Line = Readonly<Record<string, unknown>>;

/** How many events each session of a log delivered, in however many batches. */
function deliveredBySession(lines: readonly Line[]): readonly number[] {
  const counts: number[] = [];
  for (const { type, events } of lines) {
    if (type === 'session.started') counts.push(0);
    if (type === 'batch.delivered') counts.push((counts.pop() ?? 0) + Number(events));
  }
  return counts;
}

describe('what km monitor tells of itself', () => {
  test('--log appends messages, deliveries and token events as JSON lines, without contents', async () => {
    const api = await startApi();
    const log = join(temporaryFolder(), 'km.log');
    for (let run = 0; run < 2; run += 1) {
      await runUntilStored(monitoring(ECHO, '--log', log), 2 * (run + 1), { api, input });
    }
    const text = readFileSync(log, 'utf8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const ofType = (type: string) => lines.filter((line) => line['type'] === type);
    expect(ofType('session.started')).toHaveLength(2);
    expect(ofType('message').slice(0, 2)).toMatchObject([
      { direction: 'outbound', kind: 'request', method: 'tools/call', id: 1 },
      { direction: 'inbound', kind: 'request', method: 'tools/call', id: 1 },
    ]);
    expect(ofType('line.ignored')).toHaveLength(4);
    expect(ofType('token.issued')[0]?.['token']).toMatch(/^[0-9a-f]{8}$/);
    expect(deliveredBySession(lines)).toEqual([2, 2]);
    expect(ofType('session.ended')).toMatchObject([
      { exitCode: 0, undelivered: 0 },
      { exitCode: 0, undelivered: 0 },
    ]);
    expect(lines.every((line) => !Number.isNaN(Date.parse(String(line['at']))))).toBe(true);
    expect(text).not.toContain(SECRET);
    expect(text).not.toMatch(/eyJ/);
    expect(text).not.toContain(API_KEY);
    expect(statSync(log).mode & 0o777).toBe(0o600);
  });

  test('--log leaves stderr alone', async () => {
    const log = join(temporaryFolder(), 'km.log');
    const api = await startApi();
    const { stderr } = await runUntilStored(monitoring(ECHO, '--log', log), 2, { api, input });
    expect(stderr).toBe('');
    expect(readFileSync(log, 'utf8')).toContain('session.ended');
  });

  test('KM_DEBUG=true explains the tokens on stderr, and leaves stdout alone', async () => {
    const api = await startApi();
    const env = accountAt(api.url, { KM_DEBUG: 'true' });
    const { stdout, stderr } = await runUntilStored(monitoring(ECHO), 2, { api, env, input });
    expect(stdout).toBe(input);
    expect(stderr).toMatch(/^km auth \[default\] monitoring: obtained token [0-9a-f]{8} by api_key/m);
    expect(stderr).not.toMatch(/eyJ/);
    expect(stderr).not.toContain(API_KEY);
  });
});
