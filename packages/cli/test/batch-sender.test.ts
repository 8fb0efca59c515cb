import { gunzipSync } from 'node:zlib';
import { AuthError } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { createBatchSender } from '../src/monitor/batch-sender.js';
import { batchOf, eventNamed } from './support/events.js';
import { FakeClock } from './support/fake-clock.js';

const url = 'http://127.0.0.1/api/events/batch';
const clock = new FakeClock();

function sendTo(answer: () => Response | Promise<Response>) {
  return createBatchSender({ url, clock, fetch: async () => answer() })(batchOf('1'));
}

/** A `fetch` that never answers, and ends as its signal says. */
const silence: typeof fetch = (_, init) =>
  new Promise((_resolve, reject) => {
    init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
  });

function json(body: unknown, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify(body), init);
}

describe('sending a batch', () => {
  test('posts it, with payloads in base64', async () => {
    const requests: { readonly input: unknown; readonly init: RequestInit | undefined }[] = [];
    const send = createBatchSender({
      url,
      clock,
      fetch: async (input, init) => {
        requests.push({ input, init });
        return json({ success: true, message: 'ok' });
      },
    });
    await expect(send(batchOf('1'))).resolves.toEqual({ type: 'delivered' });
    expect(requests[0]?.input).toBe(url);
    expect(requests[0]?.init).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    const [event] = batchOf('1').events;
    expect(JSON.parse(requests[0]?.init?.body as string)).toEqual({
      ...batchOf('1'),
      events: [{ ...event, payload: 'e30=' }],
    });
  });

  test('packs a large one with gzip, until the API says that it cannot unpack', async () => {
    const requests: { readonly encoding: string | null; readonly body: unknown }[] = [];
    const send = createBatchSender({
      url,
      clock,
      fetch: async (_, init) => {
        const { headers, body } = init ?? {};
        const encoding = new Headers(headers).get('content-encoding');
        const text = encoding === 'gzip' ? gunzipSync(body as Buffer).toString() : (body as string);
        requests.push({ encoding, body: JSON.parse(text) });
        return encoding === 'gzip' && requests.length > 1
          ? json({}, { status: 415 })
          : json({ success: true, message: 'ok' });
      },
    });
    const large = { ...batchOf(), events: [{ ...eventNamed('1'), payload: Buffer.alloc(8_192) }] };
    for (let turn = 0; turn < 3; turn += 1) {
      await expect(send(large)).resolves.toEqual({ type: 'delivered' });
    }
    expect(requests.map(({ encoding }) => encoding)).toEqual(['gzip', 'gzip', null, null]);
    expect(new Set(requests.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  test('sends a refused one once unpacked, while the API has never unpacked any, and packs no more where that helps', async () => {
    const large = { ...batchOf(), events: [{ ...eventNamed('1'), payload: Buffer.alloc(8_192) }] };
    const sendingTo = (statusOf: (encoding: string | null, count: number) => number) => {
      const encodings: (string | null)[] = [];
      const send = createBatchSender({
        url,
        clock,
        fetch: async (_, init) => {
          const encoding = new Headers(init?.headers).get('content-encoding');
          encodings.push(encoding);
          const status = statusOf(encoding, encodings.length);
          return json({ success: status === 200 }, { status });
        },
      });
      return { encodings, send };
    };
    const blind = sendingTo((encoding) => (encoding === 'gzip' ? 400 : 200));
    for (let turn = 0; turn < 2; turn += 1)
      await expect(blind.send(large)).resolves.toEqual({ type: 'delivered' });
    expect(blind.encodings).toEqual(['gzip', null, null]);

    const able = sendingTo((_, count) => [400, 400, 200, 400][count - 1] ?? 200);
    const refused = { type: 'refused', reason: 'HTTP 400' };
    await expect(able.send(large)).resolves.toEqual(refused);
    await expect(able.send(large)).resolves.toEqual({ type: 'delivered' });
    await expect(able.send(large)).resolves.toEqual(refused);
    expect(able.encodings).toEqual(['gzip', null, 'gzip', 'gzip']);
  });

  test.each([
    ['fails', () => Promise.reject(new Error('it cannot be let go'))],
    ['takes for ever', () => new Promise<void>(() => undefined)],
  ])('sends it again unpacked at once, although to let go of the first answer %s', async (_, cancel) => {
    const send = createBatchSender({
      url,
      clock,
      fetch: async (_input, init) =>
        new Headers(init?.headers).has('content-encoding')
          ? new Response(new ReadableStream({ cancel }), { status: 415 })
          : json({ success: true, message: 'ok' }),
    });
    const large = { ...batchOf(), events: [{ ...eventNamed('1'), payload: Buffer.alloc(8_192) }] };
    await expect(send(large)).resolves.toEqual({ type: 'delivered' });
  });

  test('follows no redirect', async () => {
    let redirect: unknown;
    const send = createBatchSender({
      url,
      clock,
      fetch: async (_, init) => {
        redirect = init?.redirect;
        return json({}, { status: 307, headers: { location: 'https://elsewhere.example' } });
      },
    });
    await expect(send(batchOf('1'))).resolves.toMatchObject({ type: 'postponed', reason: 'HTTP 307' });
    expect(redirect).toBe('manual');
  });

  test.each([400, 413, 422])('takes %i as a refusal', async (status) => {
    await expect(sendTo(() => json({}, { status }))).resolves.toMatchObject({ type: 'refused' });
  });

  test.each([307, 401, 408, 415, 429, 500, 502, 503])('tries again later after %i', async (status) => {
    await expect(sendTo(() => json({}, { status }))).resolves.toMatchObject({
      type: 'postponed',
      reason: `HTTP ${status}`,
      status,
    });
  });

  test.each([403, 404, 405])('after %i says what a human can look at', async (status) => {
    await expect(sendTo(() => json({}, { status }))).resolves.toEqual({
      type: 'postponed',
      reason: `HTTP ${status}: check the endpoint, and what this account may do; see km doctor`,
      needsHuman: true,
      status,
    });
  });

  test.each([
    ['7', 7_000],
    [new Date(1_700_000_000_000 + 5_000).toUTCString(), 5_000],
    ['soon', undefined],
    ['1.5', undefined],
  ])('understands Retry-After: %s', async (value, retryAfterMs) => {
    const outcome = await sendTo(() => json({}, { status: 429, headers: { 'retry-after': value } }));
    expect(outcome).toMatchObject({ type: 'postponed' });
    expect('retryAfterMs' in outcome ? outcome.retryAfterMs : undefined).toBe(retryAfterMs);
  });

  test('takes a date in Retry-After by the clock that set it, and the day before for no wait', async () => {
    const serverMs = clock.nowMs() - 3_600_000;
    const answer = (untilMs: number) =>
      sendTo(() => {
        const at = (ms: number) => new Date(ms).toUTCString();
        return json({}, { status: 503, headers: { date: at(serverMs), 'retry-after': at(untilMs) } });
      });
    await expect(answer(serverMs + 7_000)).resolves.toMatchObject({ retryAfterMs: 7_000 });
    await expect(answer(serverMs - 86_400_000)).resolves.toMatchObject({ retryAfterMs: 0 });
  });

  test('reads no more than the start of a body that has no end', async () => {
    let pulled = 0;
    const flood = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(16 * 1024));
      },
    });
    await expect(sendTo(() => new Response(flood))).resolves.toMatchObject({ type: 'postponed' });
    expect(pulled).toBeLessThan(10);
  });

  test("does not take a captive portal's page for an acceptance", async () => {
    await expect(sendTo(() => new Response('<html>Log in to the Wi-Fi</html>'))).resolves.toMatchObject({
      type: 'postponed',
    });
    await expect(sendTo(() => json({ success: false }))).resolves.toMatchObject({ type: 'postponed' });
  });

  test('says why the network failed, not only that it did', async () => {
    const failure = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') });
    await expect(sendTo(() => Promise.reject(failure))).resolves.toMatchObject({
      type: 'postponed',
      reason: 'connect ECONNREFUSED 127.0.0.1:1',
      needsHuman: false,
    });
  });

  test('tells a missing login from trouble that passes', async () => {
    const failure = new AuthError('KM_AUTH_LOGIN_REQUIRED', 'log in');
    await expect(sendTo(() => Promise.reject(failure))).resolves.toMatchObject({ needsHuman: true });
  });

  test('gives up an answer that takes longer than 30 s', async () => {
    const send = createBatchSender({ url, clock, fetch: silence });
    const outcome = send(batchOf('1'));
    await clock.advance(30_000);
    await expect(outcome).resolves.toMatchObject({ type: 'postponed', reason: 'no answer within 30 s' });
  });

  test('gives what is large the time to be sent over a slow network', async () => {
    const send = createBatchSender({ url, clock, fetch: silence });
    const large = { ...eventNamed('1'), payload: Buffer.alloc(768 * 1024) };
    const outcome = send({ ...batchOf(), events: [large] });
    await clock.advance(46_000);
    await expect(outcome).resolves.toMatchObject({ reason: 'no answer within 46 s' });
  });
});
