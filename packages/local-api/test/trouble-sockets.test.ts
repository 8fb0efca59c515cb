import { expect, test } from 'vitest';
import { startLocalApi, type RunningLocalApi } from '../src/index.js';
import { PRO_KEY, type Tokens } from './harness.js';

async function start(...trouble: string[]): Promise<RunningLocalApi> {
  return startLocalApi({ apiKeys: [PRO_KEY], trouble });
}

async function ask(
  api: RunningLocalApi,
  body: Record<string, unknown>,
  init: RequestInit = {},
): Promise<Response> {
  return fetch(`${api.url}/api/auth/token`, { method: 'POST', body: JSON.stringify(body), ...init });
}

const LOGIN = { grant_type: 'api_key', api_key: PRO_KEY };

async function refreshTokenOf(api: RunningLocalApi): Promise<Record<string, unknown>> {
  const { refresh_token } = (await (await ask(api, LOGIN)).json()) as Tokens;
  return { grant_type: 'refresh_token', refresh_token };
}

test('dropped before the work: no answer, and the refresh token is still good', async () => {
  await using api = await start();
  const refresh = await refreshTokenOf(api);
  api.trouble.add('drop=before');
  await expect(ask(api, refresh)).rejects.toThrow('fetch failed');
  expect((await ask(api, refresh)).status).toBe(200);
});

test('dropped after the work: no answer, and the refresh token is used up', async () => {
  await using api = await start();
  const refresh = await refreshTokenOf(api);
  api.trouble.add('drop=after');
  await expect(ask(api, refresh)).rejects.toThrow('fetch failed');
  const again = await ask(api, refresh);
  expect(await again.json()).toMatchObject({ error: 'invalid_grant' });
});

test('a lost answer is made good within the grace window', async () => {
  await using api = await startLocalApi({ apiKeys: [PRO_KEY], graceMs: 60_000 });
  const refresh = await refreshTokenOf(api);
  api.trouble.add('drop=after');
  await expect(ask(api, refresh)).rejects.toThrow('fetch failed');
  expect((await ask(api, refresh)).status).toBe(200);
});

test('a cut-off answer announces more than it sends', async () => {
  await using api = await start('body=truncated');
  const answer = await ask(api, LOGIN);
  expect(answer.status).toBe(200);
  expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(100);
  await expect(answer.text()).rejects.toThrow('terminated');
});

test('an endless answer goes on until the client gives up', async () => {
  await using api = await start('body=endless');
  const gaveUp = new AbortController();
  const answer = await ask(api, LOGIN, { signal: gaveUp.signal });
  expect(answer.status).toBe(200);
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  for (let chunks = 0; chunks < 5; chunks += 1) expect((await reader.read()).done).toBe(false);
  gaveUp.abort();
  expect((await fetch(`${api.url}/health`)).status).toBe(200);
});

test.each(['body=endless', 'latency=10m'])('closing does not wait for %s', async (trouble) => {
  const api = await start(trouble);
  const applied = new Promise<void>((resolve) => {
    api.on(({ type }) => {
      if (type === 'trouble.applied') resolve();
    });
  });
  const asked = ask(api, LOGIN).then(
    (answer) => answer.text().catch(() => 'broken'),
    () => 'no answer',
  );
  await applied;
  const startedAt = performance.now();
  await api.close();
  expect(performance.now() - startedAt).toBeLessThan(8_000);
  await asked;
});

test('the date is shifted on the wire, and only there', async () => {
  await using api = await start('skew=+1h');
  const answer = await ask(api, LOGIN);
  const shiftMs = Date.parse(answer.headers.get('date') ?? '') - Date.now();
  expect(Math.abs(shiftMs - 3_600_000)).toBeLessThan(5_000);
  expect(await answer.json()).toMatchObject({ expires_in: 3_600 });
});

test('a redirect is one', async () => {
  await using api = await start('redirect=http://127.0.0.1:9/elsewhere');
  const answer = await ask(api, LOGIN, { redirect: 'manual' });
  expect([answer.status, answer.headers.get('location')]).toEqual([307, 'http://127.0.0.1:9/elsewhere']);
});

test('a body too big is refused over a socket, and the server lives on', async () => {
  await using api = await start();
  const big = ask(api, { ...LOGIN, padding: 'x'.repeat(1_000_000) });
  // The refusal may come while the body is still being sent; then the client sees the connection end.
  expect(await big.then(({ status }) => status).catch(() => 413)).toBe(413);
  expect((await fetch(`${api.url}/health`)).status).toBe(200);
});

test('what a dropped request did is reported with status 0', async () => {
  const api = await start('drop=after');
  const statuses: number[] = [];
  api.on((event) => {
    if (event.type === 'request') statuses.push(event.status);
  });
  await ask(api, LOGIN).catch(() => undefined);
  await api.close();
  expect(statuses).toEqual([0]);
});
