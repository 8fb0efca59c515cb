import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { batchOf, testApi, type TestApi } from './harness.js';

async function sender(api: TestApi): Promise<(batch: unknown) => Promise<Response>> {
  const { access_token: token } = await api.login();
  return (batch) => api.post('/api/events/batch', batch, token);
}

test('a batch is stored, each event with all that was sent', async () => {
  const api = testApi();
  const answer = await (await sender(api))(batchOf('e1', 'e2'));
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ success: true, message: 'stored 2, seen before 0' });
  expect(api.store.countEvents()).toBe(2);
  expect(api.store.listEvents({ limit: 1 })).toEqual([
    {
      sequence: 1,
      id: 'e1',
      timestamp: '2030-01-01T00:00:00.123456789Z',
      direction: 'inbound',
      method: 'tools/call',
      payload: Buffer.from('payload of e1'),
      size: 12,
      correlationId: 'session-1',
      batchCorrelationId: 'batch-1',
      cliVersion: '0.1.0',
      subject: expect.stringMatching(/^acct_/) as string,
      receivedAtMs: api.clock.now(),
    },
  ]);
});

test('an event seen before, in another batch or the same, is accepted and stored once', async () => {
  const api = testApi();
  const send = await sender(api);
  await send(batchOf('e1', 'e2'));
  const again = await send(batchOf('e2', 'e3', 'e3'));
  expect(again.status).toBe(200);
  expect(await again.json()).toEqual({ success: true, message: 'stored 1, seen before 2' });
  expect(api.store.listEvents().map(({ id }) => id)).toEqual(['e1', 'e2', 'e3']);
});

test('the same batch sent twenty times at once is stored once', async () => {
  const api = testApi();
  const send = await sender(api);
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(batchOf('e1', 'e2'))));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect(api.store.countEvents()).toBe(2);
});

test('events are listed page by page in the order of arrival', async () => {
  const api = testApi();
  const send = await sender(api);
  await send(batchOf('e1', 'e2', 'e3'));
  const [first] = api.store.listEvents({ limit: 1 });
  expect(api.store.listEvents({ afterSequence: first!.sequence }).map(({ id }) => id)).toEqual(['e2', 'e3']);
});

test('an empty batch, an event without a method, and an empty payload are fine', async () => {
  const api = testApi();
  const send = await sender(api);
  expect((await send(batchOf())).status).toBe(200);
  const batch = batchOf('e1');
  delete batch.events[0]!['method'];
  batch.events[0]!['payload'] = '';
  expect((await send(batch)).status).toBe(200);
  expect(api.store.listEvents()[0]).toMatchObject({ method: null, payload: Buffer.alloc(0) });
});

test('text in any script, quotes and NUL included, comes back as it was', async () => {
  const api = testApi();
  const odd = `ключ 🔑 'x' "y" \\ \0 end`;
  await (
    await sender(api)
  )({ ...batchOf(odd), correlationId: odd });
  expect(api.store.listEvents()[0]).toMatchObject({ id: odd, batchCorrelationId: odd });
});

test.each([
  ['id', '', 'events[1].id must be text that is not empty'],
  ['id', undefined, 'events[1].id is missing'],
  ['id', 'x'.repeat(257), 'events[1].id must be at most 256 characters'],
  ['timestamp', 'yesterday', 'events[1].timestamp must be an RFC 3339 time'],
  ['timestamp', '2030-13-01T00:00:00Z', 'events[1].timestamp must be an RFC 3339 time'],
  ['direction', 'sideways', 'events[1].direction must be inbound or outbound'],
  ['method', 3, 'events[1].method must be text'],
  ['payload', 'not base64!', 'events[1].payload must be base64 text'],
  ['payload', 'YQ', 'events[1].payload must be base64 text'],
  ['size', -1, 'events[1].size must be a whole number, 0 or more'],
  ['size', '12', 'events[1].size must be a whole number, 0 or more'],
  ['correlationId', null, 'events[1].correlationId must be text'],
])(
  'an event with a bad %s (%j) is named, and nothing of its batch is stored',
  async (field, value, message) => {
    const api = testApi();
    const batch = batchOf('e1', 'e2');
    batch.events[1]![field] = value;
    const answer = await (await sender(api))(batch);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      error: 'invalid_request',
      error_description: message,
      success: false,
      index: 1,
    });
    expect(api.store.countEvents()).toBe(0);
  },
);

test.each([
  [
    'no events',
    { correlationId: 'c', cliVersion: '1', batchTimestamp: '2030-01-01T00:00:00Z' },
    'events is missing',
  ],
  ['events that are no list', { ...batchOf(), events: {} }, 'events must be a list of events'],
  ['an event that is no object', { ...batchOf(), events: [7] }, 'events[0] must be an object'],
  ['no version', { ...batchOf(), cliVersion: undefined }, 'cliVersion is missing'],
  ['a bad time', { ...batchOf(), batchTimestamp: 'now' }, 'batchTimestamp must be an RFC 3339 time'],
  ['no object', [], 'correlationId is missing'],
  ['no JSON', '{', 'the body is not JSON'],
  ['nothing', '', 'the body must be a JSON object'],
])('a batch with %s is refused', async (name, batch, message) => {
  const answer = await (await sender(testApi()))(batch);
  expect(answer.status).toBe(400);
  const body = (await answer.json()) as { error_description: string };
  if (name === 'no object') expect(body.error_description).toMatch(/missing|must be/);
  else expect(body.error_description).toBe(message);
});

test('a body may be packed with gzip', async () => {
  const api = testApi();
  const { access_token: token } = await api.login();
  const answer = await api.app.request('/api/events/batch', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Encoding': 'gzip' },
    body: gzipSync(JSON.stringify(batchOf('e1'))),
  });
  expect(answer.status).toBe(200);
  expect(api.store.countEvents()).toBe(1);
});

test.each([
  [
    'too big',
    { maxBodyBytes: 1_024 },
    'identity',
    JSON.stringify(batchOf('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')),
    413,
    'too_large',
  ],
  [
    'small only while it is packed',
    { maxBodyBytes: 1_024 },
    'gzip',
    gzipSync(' '.repeat(1_000_000)),
    413,
    'too_large',
  ],
  ['not gzip though it says so', {}, 'gzip', 'plain', 400, 'invalid_request'],
  [
    'cut off while packed',
    {},
    'gzip',
    gzipSync(JSON.stringify(batchOf('e1'))).subarray(0, 30),
    400,
    'invalid_request',
  ],
  ['packed in another way', {}, 'br', 'x', 415, 'unsupported_encoding'],
  ['not UTF-8', {}, 'identity', Buffer.from([0xff, 0xfe]), 400, 'invalid_request'],
])('a body that is %s is refused', async (_name, options, encoding, body, status, error) => {
  const api = testApi(options);
  const { access_token: token } = await api.login();
  const answer = await api.app.request('/api/events/batch', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Encoding': encoding },
    body,
  });
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ error });
});
