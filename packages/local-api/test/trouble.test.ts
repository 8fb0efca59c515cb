import { expect, test } from 'vitest';
import { describeTroubleKeys, LocalApiError, parseTrouble, type TroubleRule } from '../src/index.js';
import { batchOf, PRO_KEY, testApi, type TestApi } from './harness.js';

const login = (api: TestApi): Promise<Response> =>
  api.post('/api/auth/token', { grant_type: 'api_key', api_key: PRO_KEY });

test.each<[string, TroubleRule]>([
  ['status=503,count=2', { status: 503, count: 2 }],
  [' status = 503 , count = inf ', { status: 503, count: Number.POSITIVE_INFINITY }],
  ['status=429,retry-after=7', { status: 429, retryAfter: 7 }],
  ['status=429,retry-after=+5s', { status: 429, retryAfter: { dateInMs: 5_000 } }],
  ['status=503,retry-after=none', { status: 503, retryAfter: null }],
  [
    'retry-after=Wed, 21 Oct 2030 07:28:00 GMT,status=503',
    { status: 503, retryAfter: 'Wed, 21 Oct 2030 07:28:00 GMT' },
  ],
  ['latency=500ms', { latencyMs: 500 }],
  ['latency=1.5s,path=/api/*,method=post', { latencyMs: 1_500, path: '/api/*', method: 'POST' }],
  ['drop=after,path=/api/events/batch', { drop: 'after', path: '/api/events/batch' }],
  ['body=html', { body: 'html' }],
  ['status=200,body=json:{"a":1,"b":[2]}', { status: 200, body: { json: { a: 1, b: [2] } } }],
  ['redirect=https://portal.example/login?x=1', { redirect: 'https://portal.example/login?x=1' }],
  ['skew=+1h', { skewMs: 3_600_000 }],
  ['skew=-10m', { skewMs: -600_000 }],
  ['oddity=string-scope+lower-token-type', { oddity: ['string-scope', 'lower-token-type'] }],
])('trouble is read: %s', (text, rule) => {
  expect(parseTrouble(text)).toEqual(rule);
});

test.each([
  '',
  'nonsense',
  'colour=red',
  'constructor=1',
  'status=abc',
  'status=99',
  'status=503,count=0',
  'status=503,count=many',
  'path=/x',
  'status=503,path=api',
  'latency=5',
  'latency=soon',
  'drop=maybe',
  'body=nice',
  'body=json:{',
  'redirect=nowhere',
  'redirect=https://a.example,status=503',
  'skew=later',
  'oddity=funny',
  'status=503,retry-after=whenever',
  'retry-after=5',
  'status=503,drop=before',
  'status=503,oddity=no-scope',
  'status=200,body=truncated',
  'status=204,body=html',
  'status=205,body=json:{}',
  'status=304,body=endless',
  'redirect=/日',
  'redirect=/a\nb',
  'latency=30d',
  'latency=600h',
  'status=503,,count=2',
])('trouble that makes no sense is an error: "%s"', (text) => {
  expect(() => parseTrouble(text)).toThrow(LocalApiError);
  expect(() => parseTrouble(text)).toThrow(expect.objectContaining({ code: 'KM_LOCAL_API_BAD_TROUBLE' }));
});

test('the error for an unknown key, or a bad value, is one line that lists what is allowed', () => {
  for (const text of ['colour=red', 'drop=maybe']) {
    const message = (() => {
      try {
        parseTrouble(text);
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(message).toContain(`"${text}"`);
    expect(message).not.toContain('\n');
    for (const { key } of describeTroubleKeys()) expect(message).toContain(`${key}=`);
  }
});

test.each<[string, TroubleRule]>([
  ['a redirect that no header can have', { redirect: '/日' }],
  ['a redirect of two lines', { redirect: '/a\r\nb: c' }],
  ['a wait beyond what a timer can', { latencyMs: 2 ** 31 }],
  ['a body with a status that has none', { status: 204, body: { json: {} } }],
])('a rule that breaks the API itself is refused: %s', (_name, rule) => {
  expect(() => testApi().trouble.add(rule)).toThrow(
    expect.objectContaining({ code: 'KM_LOCAL_API_BAD_TROUBLE' }),
  );
});

test('the longest wait is taken', () => {
  expect(() => testApi().trouble.add({ latencyMs: 2 ** 31 - 1 })).not.toThrow();
});

test('trouble befalls so many requests, then all is well', async () => {
  const api = testApi({ trouble: ['status=503,count=2'] });
  const statuses = [await login(api), await login(api), await login(api)].map(({ status }) => status);
  expect(statuses).toEqual([503, 503, 200]);
  expect(api.events.filter(({ type }) => type === 'trouble.applied')).toHaveLength(2);
});

test('a refused request did no work', async () => {
  const api = testApi();
  const { refresh_token: refreshToken } = await api.login();
  api.trouble.add('status=500');
  expect((await api.refresh(refreshToken)).status).toBe(500);
  expect((await api.refresh(refreshToken)).status).toBe(200);
});

test('503 and 429 say when to come back, as scripted', async () => {
  const api = testApi();
  const retryAfter = async (trouble: string): Promise<string | null> => {
    api.trouble.add(trouble);
    return (await login(api)).headers.get('retry-after');
  };
  expect(await retryAfter('status=503')).toBe('1');
  expect(await retryAfter('status=429,retry-after=30')).toBe('30');
  expect(await retryAfter('status=503,retry-after=+30s')).toBe('Tue, 01 Jan 2030 00:00:30 GMT');
  expect(await retryAfter('status=503,retry-after=none')).toBeNull();
  expect(await retryAfter('status=500')).toBeNull();
});

test('trouble keeps to its path and method', async () => {
  const api = testApi({ trouble: ['status=500,count=inf,path=/api/auth,method=POST'] });
  expect((await login(api)).status).toBe(500);
  expect((await api.post('/api/auth/revoke', { token: 'x' })).status).toBe(500);
  expect((await api.get('/api/auth/validate')).status).toBe(401);
  expect((await api.get('/health')).status).toBe(200);
});

test.each([
  ['/api/*', '/api/user/features', true],
  ['*', '/health', true],
  ['/api/*/batch', '/api/events/batch', true],
  ['/api/auth', '/api/authority', false],
  ['/api.auth', '/apixauth', false],
])('the path %s befalls %s: %s', async (pattern, path, isHit) => {
  const api = testApi({ trouble: [{ status: 418, path: pattern }] });
  expect((await api.get(path)).status === 418).toBe(isHit);
});

test('rules are used in the order they came, can be listed, taken back and cleared', async () => {
  const api = testApi();
  const takeBack = api.trouble.add('status=501');
  api.trouble.add({ status: 502, count: 2 });
  takeBack();
  expect((await login(api)).status).toBe(502);
  expect(api.trouble.list()).toEqual([{ status: 502, count: 1 }]);
  api.trouble.clear();
  expect((await login(api)).status).toBe(200);
});

test('latency waits first, and then works', async () => {
  const waits: number[] = [];
  const api = testApi({
    trouble: ['latency=2s'],
    sleep: async (ms) => {
      waits.push(ms);
    },
  });
  expect((await login(api)).status).toBe(200);
  expect(waits).toEqual([2_000]);
});

test('who waits while it closes is told when to ask again', async () => {
  const api = testApi({ trouble: ['latency=10m'] });
  const waiting = login(api);
  await api.close();
  const answer = await waiting;
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await answer.json()).toMatchObject({ error: 'closing' });
});

test('a captive portal answers with its page and status 200', async () => {
  const answer = await login(testApi({ trouble: ['body=html'] }));
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('text/html');
  expect(await answer.text()).toContain('guest network');
});

test('a scripted body, a redirect and a shifted date are sent as asked', async () => {
  const api = testApi({ trouble: ['body=json:{"a":1}', 'redirect=https://other.example/x', 'skew=-1h'] });
  expect(await (await login(api)).json()).toEqual({ a: 1 });
  const redirect = await login(api);
  expect([redirect.status, redirect.headers.get('location')]).toEqual([307, 'https://other.example/x']);
  const skewed = await login(api);
  expect([skewed.status, skewed.headers.get('date')]).toEqual([200, 'Mon, 31 Dec 2029 23:00:00 GMT']);
});

test('with no socket, a dropped connection rejects as fetch does', async () => {
  const api = testApi({ trouble: ['drop=before', 'drop=after,path=/api/events/batch'] });
  await expect(login(api)).rejects.toThrow(TypeError);
  const { access_token: token } = await api.login();
  await expect(api.post('/api/events/batch', batchOf('e1'), token)).rejects.toThrow('connection was dropped');
  expect(api.store.countEvents()).toBe(1);
});

test('with no socket, a cut-off body breaks while it is read', async () => {
  const answer = await login(testApi({ trouble: ['body=truncated'] }));
  expect(answer.status).toBe(200);
  await expect(answer.text()).rejects.toThrow('cut');
});

test.each([
  ['no-expires-in', 'expires_in', undefined],
  ['zero-expires-in', 'expires_in', 0],
  ['string-expires-in', 'expires_in', '60'],
  ['no-scope', 'scope', undefined],
  ['string-scope', 'scope', 'monitoring plugins'],
  ['lower-token-type', 'token_type', 'bearer'],
  ['upper-token-type', 'token_type', 'BEARER'],
  ['no-refresh-token', 'refresh_token', undefined],
] as const)('a token answer can be odd: %s', async (oddity, field, odd) => {
  const api = testApi({ tokenTtlMs: 60_000 });
  const usual = await api.login(['monitoring', 'plugins']);
  api.trouble.add({ oddity });
  const tokens = await api.login(['monitoring', 'plugins']);
  expect(tokens[field]).toEqual(odd);
  expect(Object.keys(tokens)).toEqual(Object.keys(usual).filter((key) => key !== field || odd !== undefined));
});

test('a refresh answered without a refresh token has not used the old one up', async () => {
  const api = testApi();
  const { refresh_token: refreshToken } = await api.login();
  api.trouble.add('oddity=no-refresh-token');
  expect(await (await api.refresh(refreshToken)).json()).not.toHaveProperty('refresh_token');
  expect((await api.refresh(refreshToken)).status).toBe(200);
});
