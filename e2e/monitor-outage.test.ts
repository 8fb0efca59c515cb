import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents, textOf } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, environment, monitoring, runKm, startKm } from './support/km.js';
import { connectToEverything } from './support/mcp-session.js';
import { ECHO } from './support/scripted-servers.js';
import { until } from './support/until.js';

const messages = (count: number) =>
  Array.from({ length: count }, (_, n) => `{"jsonrpc":"2.0","method":"note/${n}"}\n`).join('');

describe('while the API is in trouble', () => {
  test('killed in the middle and started again, it gets every event, and the client misses nothing', async () => {
    const database = join(temporaryFolder(), 'api.db');
    const api = await startApi({ database, tokenTtlMs: 2_000 });
    const session = await connectToEverything(accountAt(api.url));
    const ask = async (a: number) => {
      const answer = await session.client.callTool({ name: 'get-sum', arguments: { a, b: 0 } });
      expect(JSON.stringify(answer)).toContain(`The sum of ${a} and 0 is ${a}.`);
    };
    for (let n = 0; n < 30; n += 1) await ask(n);
    await until('the first events', () => storedEvents(api).length >= 10);
    await api.close();
    for (let n = 0; n < 60; n += 1) await ask(n);

    const again = await startApi({ database, tokenTtlMs: 2_000, port: api.port });
    for (let n = 0; n < 30; n += 1) await ask(n);
    await until('what was kept', () => storedEvents(again).length >= session.messages.length - 10, 40_000);
    await session.client.close();
    const stored = storedEvents(again);
    expect(stored.map((event) => JSON.parse(textOf(event)) as unknown)).toHaveLength(session.messages.length);
    expect(new Set(stored.map(({ id }) => id)).size).toBe(session.messages.length);
    expect(session.stderr()).not.toContain('km:');
  });

  test.each([
    ['answers 503', 'path=/api/events/batch,status=503,count=2'],
    ['answers 429 and asks to wait', 'path=/api/events/batch,status=429,retry-after=1,count=1'],
    ['drops the connection before its work', 'path=/api/events/batch,drop=before,count=2'],
    ['stores the batch and loses the answer', 'path=/api/events/batch,drop=after,count=2'],
    ['has a captive portal before it', 'path=/api/events/batch,body=html,count=2'],
    ['gives no token at first', 'path=/api/auth/token,status=503,count=1'],
  ])('it %s: every event is stored once, in order', async (_, trouble) => {
    const api = await startApi({ trouble: [trouble] });
    const input = messages(25);
    const km = startKm(monitoring(ECHO), accountAt(api.url));
    km.child.stdin.write(input);
    // The session goes on meanwhile: its end would leave three seconds, and the API may ask for two of them.
    await until('every event', () => storedEvents(api).length >= 50);
    km.child.stdin.end();
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect([km.stdout().toString(), km.stderr()]).toEqual([input, '']);
    const stored = storedEvents(api);
    const sent = stored.filter(({ direction }) => direction === 'outbound').map(textOf);
    expect(sent.map((text) => `${text}\n`).join('')).toBe(input);
    expect(stored).toHaveLength(50);
  });

  test('it answers 503 as the session ends: what is left is delivered all the same', async () => {
    const api = await startApi({ trouble: ['path=/api/events/batch,status=503,retry-after=none,count=1'] });
    const input = messages(25);
    const { code, stderr } = await runKm(monitoring(ECHO), { env: accountAt(api.url), input });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(storedEvents(api)).toHaveLength(50);
  });

  test('cannot be reached: traffic passes, and the end says how many events were lost', async () => {
    const api = await startApi();
    await api.close();
    const input = messages(12);
    const { code, stdout, stderr } = await runKm(monitoring(ECHO), { env: accountAt(api.url), input });
    expect({ code, stdout }).toEqual({ code: 0, stdout: input });
    expect(stderr).toMatch(/^km: not delivered, and lost: 24 events, because [^\n]*ECONNREFUSED[^\n]*\n$/);
  });

  test('refuses the batch: it says so once, and goes on', async () => {
    const api = await startApi({ trouble: ['path=/api/events/batch,status=400,count=2'] });
    const { code, stderr } = await runKm(monitoring(ECHO), { env: accountAt(api.url), input: messages(20) });
    expect(code).toBe(0);
    expect(stderr).toBe('km: the API refused 10 events (HTTP 400); a newer km may help\n');
    expect(storedEvents(api)).toHaveLength(20);
  });

  test('nobody is logged in: it says so once, and traffic passes', async () => {
    const input = messages(40);
    const { code, stdout, stderr } = await runKm(monitoring(ECHO), { env: environment(), input });
    expect({ code, stdout }).toEqual({ code: 0, stdout: input });
    expect(stderr.match(/monitoring goes on/g)).toHaveLength(1);
    expect(stderr.match(/^km: /gm)).toHaveLength(2);
    expect(stderr).toContain('not delivered, and lost: 80 events');
  });

  test('the key is not known: traffic passes all the same', async () => {
    const api = await startApi({ apiKeys: ['km_live_another'] });
    const input = messages(3);
    const { code, stdout, stderr } = await runKm(monitoring(ECHO), { env: accountAt(api.url), input });
    expect({ code, stdout }).toEqual({ code: 0, stdout: input });
    expect(stderr).toMatch(
      /^km: monitoring goes on, but no event is delivered: [^\n]*unknown API key[^\n]*\n/,
    );
    expect(stderr).toContain('km: not delivered, and lost: 6 events');
  });
});
