import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents, textOf } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, API_KEY, environment, monitoring, runKm, startKm } from './support/km.js';
import { closeOnceStored, connectToEverything } from './support/mcp-session.js';
import { notedIn, runUntil, WHY_THEY_WAIT } from './support/run-until.js';
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
    await closeOnceStored(session, again);
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
    let answered = 0;
    const api = await startApi({
      trouble: ['path=/api/events/batch,status=503,retry-after=none,count=1'],
      onEvent: ({ type }) => {
        if (type === 'trouble.applied') answered += 1;
      },
    });
    const input = messages(25);
    const [what, isTime] = ['the 503', () => answered > 0];
    const { code, stderr } = await runUntil(monitoring(ECHO), {
      env: accountAt(api.url),
      input,
      what,
      isTime,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(storedEvents(api)).toHaveLength(50);
  });

  test('cannot be reached: traffic passes, the end says how many events wait, and the next km delivers them', async () => {
    const api = await startApi();
    await api.close();
    const input = messages(12);
    const env = accountAt(api.url);
    const log = join(temporaryFolder(), 'km.log');
    const isTime = notedIn(log, 'ECONNREFUSED');
    const { code, stdout, stderr } = await runUntil(monitoring(ECHO, '--log', log), {
      env,
      input,
      ...isTime,
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: input });
    expect(stderr).toMatch(
      /^km: 24 events in the queue, for a later km to deliver, because [^\n]*ECONNREFUSED[^\n]*\n$/,
    );

    const again = await startApi({ port: api.port });
    const next = startKm(monitoring(ECHO), env);
    await until('what waited', () => storedEvents(again).length === 24);
    next.child.stdin.end();
    await next.ended;
    expect(next.stderr()).toBe('');
    const sent = storedEvents(again)
      .filter(({ direction }) => direction === 'outbound')
      .map(textOf);
    expect(sent.map((text) => `${text}\n`).join('')).toBe(input);
  });

  test('refuses one event: that one is set aside, and all others are delivered', async () => {
    const api = await startApi({ maxBodyBytes: 100_000 });
    const env = accountAt(api.url);
    const large = `{"jsonrpc":"2.0","method":"large","params":"${randomBytes(100_000).toString('base64')}"}\n`;
    const input = messages(5) + large + messages(5);
    const km = startKm(monitoring('process.stdin.resume()'), env);
    km.child.stdin.write(input);
    // The session goes on meanwhile: its end would leave three seconds.
    await until('all but one', () => storedEvents(api).length === 10 && km.stderr() !== '');
    km.child.stdin.end();
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(km.stdout().toString()).toBe('');
    expect(km.stderr()).toBe(
      'km: the API refused 1 event (HTTP 413): set aside, alone, and tried again with `km queue flush`; a newer km may help\n',
    );
    expect(
      storedEvents(api)
        .map((event) => `${textOf(event)}\n`)
        .join(''),
    ).toBe(messages(5) + messages(5));
    const status = await runKm(['queue', 'status', '--json'], { env });
    expect(JSON.parse(status.stdout)).toMatchObject({
      waiting: 0,
      accounts: [{ refused: 1, corruptFiles: 0 }],
    });
  });

  test('refuses batches, yet none of their events alone: all are delivered, in halves', async () => {
    const api = await startApi({ trouble: ['path=/api/events/batch,status=400,count=2'] });
    const km = startKm(monitoring(ECHO), accountAt(api.url));
    km.child.stdin.write(messages(20));
    await until('every event', () => storedEvents(api).length === 40);
    km.child.stdin.end();
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(km.stderr()).toBe('');
  });

  test('redirects: what was captured goes nowhere else', async () => {
    const elsewhere = await startApi();
    const redirect = `path=/api/events/batch,redirect=${elsewhere.url}/api/events/batch,count=100`;
    const api = await startApi({ trouble: [redirect] });
    const log = join(temporaryFolder(), 'km.log');
    const { stderr } = await runUntil(monitoring(ECHO, '--log', log), {
      env: accountAt(api.url),
      input: messages(3),
      ...notedIn(log, 'HTTP 307'),
    });
    expect(stderr).toContain('6 events in the queue');
    expect(stderr).toContain('HTTP 307');
    expect(storedEvents(elsewhere)).toEqual([]);
  });

  test('nobody is logged in: it says so once, traffic passes, and what waits is delivered after the login', async () => {
    const api = await startApi();
    const input = messages(40);
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const { code, stdout, stderr } = await runUntil(monitoring(ECHO), { env, input, ...WHY_THEY_WAIT });
    expect({ code, stdout }).toEqual({ code: 0, stdout: input });
    expect(stderr).toMatch(
      /^km: monitoring goes on, and events wait in the queue: nobody is logged in[^\n]*\n$/,
    );
    expect(await runKm(['queue', 'flush'], { env })).toMatchObject({ code: 4 });

    await runKm(['auth', 'login', '--api-key-stdin'], { env, input: API_KEY });
    expect(await runKm(['queue', 'flush'], { env })).toMatchObject({
      code: 0,
      stderr: 'km: 80 events delivered\n',
    });
    expect(storedEvents(api)).toHaveLength(80);
  });

  test('the key is not known: traffic passes all the same, and events wait', async () => {
    const api = await startApi({ apiKeys: ['km_live_another'] });
    const input = messages(3);
    const env = accountAt(api.url);
    const { code, stdout, stderr } = await runUntil(monitoring(ECHO), { env, input, ...WHY_THEY_WAIT });
    expect({ code, stdout }).toEqual({ code: 0, stdout: input });
    expect(stderr).toMatch(
      /^km: monitoring goes on, and events wait in the queue: [^\n]*unknown API key[^\n]*\n$/,
    );
  });
});
