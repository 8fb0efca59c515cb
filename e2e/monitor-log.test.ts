import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, accountAt, monitoring, runKm } from './support/km.js';
import { ECHO } from './support/scripted-servers.js';

const SECRET = 'only-in-the-payload';
const input = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"${SECRET}"}\nno message\n`;

describe('what km monitor tells of itself', () => {
  test('--log appends messages, deliveries and token events as JSON lines, without contents', async () => {
    const api = await startApi();
    const log = join(temporaryFolder(), 'km.log');
    for (let run = 0; run < 2; run += 1) {
      await runKm(monitoring(ECHO, '--log', log), { env: accountAt(api.url), input });
    }
    const text = readFileSync(log, 'utf8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const ofType = (type: string) => lines.filter((line) => line['type'] === type);
    expect(ofType('session.started')).toHaveLength(2);
    expect(ofType('message').slice(0, 2)).toMatchObject([
      { direction: 'outbound', kind: 'request', method: 'tools/call', id: 1 },
      { direction: 'inbound', kind: 'request', method: 'tools/call', id: 1 },
    ]);
    expect(ofType('line.ignored')).toHaveLength(4);
    expect(ofType('token.issued')[0]?.['token']).toMatch(/^[0-9a-f]{8}$/);
    expect(ofType('batch.delivered').map((line) => line['events'])).toEqual([2, 2]);
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
    const { stderr } = await runKm(monitoring(ECHO, '--log', log), {
      env: accountAt((await startApi()).url),
      input,
    });
    expect(stderr).toBe('');
    expect(readFileSync(log, 'utf8')).toContain('session.ended');
  });

  test('KM_DEBUG=true explains the tokens on stderr, and leaves stdout alone', async () => {
    const api = await startApi();
    const { stdout, stderr } = await runKm(monitoring(ECHO), {
      env: accountAt(api.url, { KM_DEBUG: 'true' }),
      input,
    });
    expect(stdout).toBe(input);
    expect(stderr).toMatch(/^km auth \[default\] monitoring: obtained token [0-9a-f]{8} by api_key/m);
    expect(stderr).not.toMatch(/eyJ/);
    expect(stderr).not.toContain(API_KEY);
  });
});
