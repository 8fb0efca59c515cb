import { describe, expect, test } from 'vitest';
import { startApi, storedEvents, textOf } from './support/api.js';
import { accountAt, monitoring, runKm, startKm } from './support/km.js';
import { ECHO } from './support/scripted-servers.js';
import { SELDOM_MS, until } from './support/until.js';

const SESSIONS = 20;
const MESSAGES = 30;

type Status = {
  readonly waiting: number;
  readonly accounts: readonly { readonly deliveredBy: string | null; readonly lastFailure: object | null }[];
};

async function status(env: Record<string, string>): Promise<Status> {
  return JSON.parse((await runKm(['queue', 'status', '--json'], { env })).stdout) as Status;
}

const linesOf = (session: number): readonly string[] =>
  Array.from({ length: MESSAGES }, (_, n) => `{"jsonrpc":"2.0","method":"session-${session}/${n}"}`);

describe('many sessions at once', () => {
  test('share one queue: one of them delivers, asking as rarely as one would, each event once, in order', async () => {
    const requestsAtMs: number[] = [];
    const api = await startApi({
      onEvent: (event) => {
        if (event.type === 'request' && event.path === '/api/events/batch')
          requestsAtMs.push(performance.now());
      },
    });
    // Logged in, so that a token is there when the trouble begins.
    const env = accountAt(api.url);
    await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
    const mended = api.trouble.add('path=/api/events/batch,drop=before,count=inf');
    const sessions = Array.from({ length: SESSIONS }, () => startKm(['monitor', '--', 'cat'], env));
    for (const [session, km] of sessions.entries()) {
      km.child.stdin.write(
        linesOf(session)
          .map((line) => `${line}\n`)
          .join(''),
      );
    }
    const count = SESSIONS * MESSAGES * 2;
    await until(
      'every event to be on the disk',
      async () => (await status(env)).waiting === count,
      90_000,
      SELDOM_MS,
    );
    const [account] = (await status(env)).accounts;
    expect(account?.deliveredBy).toMatch(/^process \d+ on /);
    // With waits of half a second, one, two, four … and half of each to chance, the tries of one process.
    const spanMs = (requestsAtMs.at(-1) ?? 0) - (requestsAtMs[0] ?? 0);
    expect(requestsAtMs.length).toBeLessThanOrEqual(2 + Math.log2(1 + spanMs / 250));

    mended();
    await until('every event to be at the API', () => storedEvents(api).length >= count, 90_000, SELDOM_MS);
    for (const km of sessions) km.child.stdin.end();
    for (const km of sessions) expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(sessions.map((km) => km.stderr()).join('')).toBe('');
    const stored = storedEvents(api);
    expect(new Set(stored.map(({ id }) => id)).size).toBe(count);
    expect(stored).toHaveLength(count);
    for (let session = 0; session < SESSIONS; session += 1) {
      for (const direction of ['outbound', 'inbound']) {
        const texts = stored.filter((event) => event.direction === direction).map(textOf);
        expect(texts.filter((text) => text.includes(`"session-${session}/`))).toEqual(linesOf(session));
      }
    }
    expect(await status(env)).toMatchObject({ waiting: 0 });
  }, 240_000);
});

describe('km queue', () => {
  test('flush exits with 75 while the API cannot be reached, says how many wait, and delivers them later', async () => {
    const api = await startApi();
    // How long a token request waits before it is tried again is told elsewhere.
    const env = accountAt(api.url, { KM_RETRY_INTERVAL: '1s' });
    await api.close();
    const input = linesOf(0)
      .map((line) => `${line}\n`)
      .join('');
    await runKm(monitoring(ECHO), { env, input });
    const failed = await runKm(['queue', 'flush', '--json'], { env });
    expect(failed).toMatchObject({
      code: 75,
      stderr: expect.stringMatching(/^km: 60 events in the queue, because .*\n$/) as string,
    });
    expect(JSON.parse(failed.stdout)).toMatchObject({
      delivered: 0,
      waiting: 60,
      failure: expect.any(String) as string,
    });
    expect((await status(env)).accounts).toMatchObject([
      { waiting: 60, lastFailure: { reason: expect.any(String) as string } },
    ]);

    const again = await startApi({ port: api.port });
    const flushed = await runKm(['queue', 'flush', '--json'], { env });
    expect({ code: flushed.code, report: JSON.parse(flushed.stdout) as unknown }).toEqual({
      code: 0,
      report: {
        delivered: 60,
        refused: 0,
        lost: 0,
        waiting: 0,
        failure: null,
        revocations: { delivered: 0, waiting: 0 },
      },
    });
    expect(storedEvents(again)).toHaveLength(60);
    expect(await status(env)).toMatchObject({ waiting: 0, accounts: [] });
  });

  test.each([
    // A new token, once; then as if there was no connection.
    [401, 75, 'HTTP 401'],
    [403, 1, 'HTTP 403: check the endpoint, and what this account may do; see km doctor'],
    [404, 1, 'HTTP 404: check the endpoint, and what this account may do; see km doctor'],
    [405, 1, 'HTTP 405: check the endpoint, and what this account may do; see km doctor'],
  ])('flush where the API says %i exits with %i, and keeps what waits', async (answer, code, why) => {
    let issued = 0;
    const api = await startApi({
      trouble: [`path=/api/events/batch,status=${answer},count=inf`],
      onEvent: ({ type }) => (issued += type === 'token.issued' || type === 'token.refreshed' ? 1 : 0),
    });
    const env = accountAt(api.url);
    await runKm(['monitor', '--', 'cat'], { env, input: `${linesOf(0)[0] ?? ''}\n` });
    issued = 0;
    const flushed = await runKm(['queue', 'flush'], { env });
    expect(flushed).toMatchObject({ code, stdout: '' });
    expect(flushed.stderr).toContain(`km: 2 events in the queue, because ${why}\n`);
    expect(issued > 0).toBe(answer === 401);
    api.trouble.clear();
    expect(await runKm(['queue', 'flush'], { env })).toMatchObject({ code: 0 });
    expect(storedEvents(api)).toHaveLength(2);
  });

  test('clear gives up what waits, and asks for --yes where nobody can be asked', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    await api.close();
    await runKm(['monitor', '--', 'cat'], { env, input: `${linesOf(0).join('\n')}\n` });
    expect(await runKm(['queue', 'clear'], { env })).toMatchObject({ code: 2 });
    const cleared = await runKm(['queue', 'clear', '--yes', '--json'], { env });
    expect({ code: cleared.code, report: JSON.parse(cleared.stdout) as unknown }).toEqual({
      code: 0,
      report: { events: 60, refused: 0, corruptFiles: 0, revocations: 0 },
    });
    expect(await status(env)).toMatchObject({ waiting: 0 });
  });

  test('a session ends within seconds when the API does not answer at all, and leaves the rest to the queue', async () => {
    const api = await startApi({ trouble: ['path=/api/events/batch,latency=1m,count=inf'] });
    const env = accountAt(api.url);
    const startedAtMs = performance.now();
    const { code } = await runKm(['monitor', '--', 'cat'], { env, input: `${linesOf(0).join('\n')}\n` });
    expect(code).toBe(0);
    // A session that waited for the answer would take thirty seconds at least.
    expect(performance.now() - startedAtMs).toBeLessThan(20_000);
    expect(await status(env)).toMatchObject({ waiting: 60 });
    api.trouble.clear();
    expect(await runKm(['queue', 'flush'], { env })).toMatchObject({ code: 0 });
    expect(storedEvents(api)).toHaveLength(60);
  });
});
