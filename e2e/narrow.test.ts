import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, API_KEY, environment, monitoring, runKm } from './support/km.js';
import { ECHO } from './support/scripted-servers.js';
import { startOnTerminal, tooWide } from './support/terminal.js';

const COLUMNS = 40;

/** An account with events that wait for an API that is away. */
async function withEvents(): Promise<{ readonly env: Record<string, string>; readonly home: string }> {
  const api = await startApi();
  await api.close();
  const env = accountAt(api.url, { KM_MAX_RETRIES: '0' });
  const home = env['HOME'] ?? '';
  mkdirSync(join(home, '.config', 'kilometers'), { recursive: true, mode: 0o700 });
  await runKm(monitoring(ECHO), { env, input: '{"jsonrpc":"2.0","id":1,"method":"ping"}\n' });
  return { env, home };
}

test('km queue flush says on 40 columns that nothing waits, and why something does', async () => {
  const api = await startApi();
  const empty = startOnTerminal(['queue', 'flush'], { env: accountAt(api.url), columns: COLUMNS });
  expect(await empty.ended).toMatchObject({ code: 0 });
  expect(tooWide(empty, COLUMNS)).toEqual([]);
  const { env } = await withEvents();
  const waiting = startOnTerminal(['queue', 'flush'], { env, columns: COLUMNS });
  expect(await waiting.ended).toMatchObject({ code: 75 });
  expect(waiting.shown().replaceAll(/\s+/g, ' ')).toMatch(/events? in the queue, because /);
  expect(tooWide(waiting, COLUMNS)).toEqual([]);
});

test('km queue clear asks on 40 columns, and says what it gave up', async () => {
  const { env } = await withEvents();
  const terminal = startOnTerminal(['queue', 'clear'], { env, columns: COLUMNS });
  await terminal.shows('Give up');
  terminal.type('y\r');
  expect(await terminal.ended).toMatchObject({ code: 0 });
  expect(terminal.shown().replaceAll(/\s+/g, ' ')).toMatch(/events? given up/);
  expect(tooWide(terminal, COLUMNS)).toEqual([]);
});

test('km auth login asks on 40 columns, and says who is logged in', async () => {
  const api = await startApi();
  const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
  const terminal = startOnTerminal(['auth', 'login'], { env, columns: COLUMNS });
  await terminal.shows('Type a number');
  terminal.type('2\r');
  await terminal.shows(/Paste the API key/);
  terminal.type(`${API_KEY}\r`);
  expect(await terminal.ended).toMatchObject({ code: 0 });
  expect(terminal.shown().replaceAll(/\s+/g, ' ')).toContain('km: profile default is logged in to');
  expect(tooWide(terminal, COLUMNS)).toEqual([]);
});

test('km auth exec leaves the lines of its command alone on 40 columns, and folds its own', async () => {
  const api = await startApi();
  const line = 'a line of the command, which is longer than the terminal is wide';
  const terminal = startOnTerminal(['auth', 'exec', '--', 'echo', line], {
    env: accountAt(api.url),
    columns: COLUMNS,
  });
  expect(await terminal.ended).toMatchObject({ code: 0 });
  expect(terminal.shown()).toContain(line);
  const nobody = startOnTerminal(['auth', 'exec', '--', '/no/such/program'], {
    env: environment(),
    columns: COLUMNS,
  });
  expect(await nobody.ended).toMatchObject({ code: 4 });
  expect(nobody.shown().replaceAll(/\s+/g, ' ')).toContain('km auth login');
  expect(tooWide(nobody, COLUMNS)).toEqual([]);
});
