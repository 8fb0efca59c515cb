import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents, textOf } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, monitoring, runKm, startKm } from './support/km.js';
import { runUntilStored } from './support/run-until.js';
import { ECHO } from './support/scripted-servers.js';
import { until } from './support/until.js';

/** Answers each request: with an error where its method is `bad`. */
const ANSWERING = `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line);
    if (id === undefined) return;
    const answer = method === 'bad' ? { error: { code: -32601, message: 'No\\u001b[31m such\\nmethod' } } : { result: {} };
    console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
  });
`;

const request = (id: number | string, method: string, params: unknown = {}) =>
  `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;
const input =
  request(1, 'tools/list') + request('a b', 'bad') + '{"jsonrpc":"2.0","method":"notifications/x"}\n';

describe('what users want to see', () => {
  test('--verbose prints a line for each message: direction, kind, method, id, size, latency and error', async () => {
    const { stderr, stdout } = await runKm(monitoring(ANSWERING, '--local', '--verbose'), { input });
    expect(stdout.split('\n')).toHaveLength(3);
    const lines = stderr.trimEnd().split('\n').sort();
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^km: --> notification notifications\/x 44 B$/);
    expect(lines[1]).toBe('km: --> request bad id="a b" 55 B');
    expect(lines[2]).toBe('km: --> request tools/list id=1 58 B');
    expect(lines[3]).toMatch(
      /^km: <-- response bad id="a b" \d+ B [\d.]+ ms error -32601 "No\\u001b\[31m such\\nmethod"$/,
    );
    expect(lines[4]).toMatch(/^km: <-- response tools\/list id=1 \d+ B [\d.]+ ms$/);
  });

  test('--verbose holds nothing up where nobody reads it', async () => {
    const count = 20_000;
    const km = startKm(monitoring(ECHO, '--local', '--verbose'));
    km.child.stderr.pause();
    const text = '{"jsonrpc":"2.0","method":"note"}\n'.repeat(count);
    km.child.stdin.end(text);
    await until('all that was said', () => km.stdout().length === text.length);
    km.child.stderr.resume();
    expect(await km.ended).toEqual({ code: 0, signal: null });
  });

  test('--log has the latency of each answer, and the code of each error', async () => {
    const log = join(temporaryFolder(), 'km.log');
    await runKm(monitoring(ANSWERING, '--local', '--log', log), { input });
    const lines = readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const answers = lines.filter((line) => line['kind'] === 'response');
    expect(answers).toMatchObject([
      { direction: 'inbound', method: 'tools/list', id: 1 },
      { direction: 'inbound', method: 'bad', id: 'a b', errorCodes: [-32601] },
    ]);
    expect(answers.every((line) => Number(line['latencyMs']) > 0)).toBe(true);
  });

  test('--log to a named pipe that nobody reads holds up nothing', async () => {
    const pipe = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const run = await runKm(monitoring(ECHO, '--local', '--log', pipe), { input });
    expect(run).toMatchObject({ code: 0, stdout: input, stderr: '' });
  });

  test('--summary tells at the end what passed, by method', async () => {
    const api = await startApi();
    const { stderr } = await runUntilStored(monitoring(ANSWERING, '--summary'), 5, { api, input });
    expect(stderr).toMatch(
      /^km: summary of .*: 3 messages \(157 B\) from the client, 2 messages \(\d+ B\) from the server$/m,
    );
    expect(stderr).toMatch(/^km: 1 error, 0 values redacted; 5 events delivered, 0 not delivered$/m);
    expect(stderr).toMatch(/^km: method +messages +errors +p50 +p99 +longest$/m);
    expect(stderr).toMatch(/^km: bad +1 +1 +[\d.]+ m?s +[\d.]+ m?s +[\d.]+ m?s$/m);
  });

  test('--local sends nothing, keeps nothing and needs no login', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    expect(await runKm(monitoring(ECHO, '--local'), { env, input })).toMatchObject({ code: 0, stderr: '' });
    expect(await runKm(monitoring(ECHO, '--local'), { input })).toMatchObject({ code: 0, stderr: '' });
    expect(storedEvents(api)).toHaveLength(0);
    expect(api.store.counters.read().issued).toMatchObject({ api_key: 0 });
    expect(readdirSync(env['HOME'] ?? '')).toEqual([]);
  });
});

describe('what leaves the machine', () => {
  const secrets = {
    password: 'hunter2-hunter2',
    header: 'Bearer abcdef0123456789',
    key: 'km_live_abcdef',
    pem: '-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----',
    list: [{ pin: 1234 }, { pin: 5678 }],
  };

  test('has no secrets and no field that --redact names, and says so; what passes has them', async () => {
    const api = await startApi();
    const message = request(1, 'tools/call', { arguments: secrets });
    const args = monitoring(
      ECHO,
      '--redact',
      'params.arguments.password',
      '--redact',
      'params.arguments.list.*.pin',
    );
    const { stdout } = await runUntilStored(args, 2, { api, input: message });
    expect(stdout).toBe(message);
    const events = storedEvents(api);
    expect(events).toHaveLength(2);
    for (const event of events) {
      expect(JSON.parse(textOf(event))).toMatchObject({
        id: 1,
        params: {
          arguments: {
            password: '[redacted]',
            header: 'Bearer [redacted]',
            key: '[redacted]',
            pem: '[redacted]',
            list: [{ pin: '[redacted]' }, { pin: '[redacted]' }],
          },
        },
      });
      expect(event.size).toBe(message.length - 1);
    }
  });

  test('of a message over --max-payload has size and hash only, and says so', async () => {
    const api = await startApi();
    const short = request(1, 'short').trim();
    const long = request(2, 'long', 'x'.repeat(200)).trim();
    const args = monitoring(ECHO, '--max-payload', '128B');
    await runUntilStored(args, 4, { api, input: `${short}\n${long}\n` });
    const outbound = storedEvents(api).filter(({ direction }) => direction === 'outbound');
    expect(outbound.map(({ method }) => method)).toEqual(['short', 'long']);
    expect(textOf(outbound[0]!)).toBe(short);
    expect(JSON.parse(textOf(outbound[1]!))).toMatchObject({ payloadOmitted: true, size: long.length });
    expect(JSON.parse(textOf(outbound[1]!))).toHaveProperty(
      'sha256',
      expect.stringMatching(/^[0-9a-f]{64}$/),
    );
  });

  test('is not lost in a flood: every one of 3,000 messages is an event, once, in order', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const count = 3_000;
    const text = Array.from({ length: count }, (_, n) => `{"jsonrpc":"2.0","method":"n/${n}"}\n`).join('');
    const sink = `process.stdin.resume()`;
    expect(await runKm(monitoring(sink), { env, input: text })).toMatchObject({ code: 0, stdout: '' });
    await runKm(['queue', 'flush'], { env });
    expect(storedEvents(api).map(({ method }) => method)).toEqual(
      Array.from({ length: count }, (_, n) => `n/${n}`),
    );
  });
});
