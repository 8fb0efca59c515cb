import { expect, test } from 'vitest';
import { answerOnPage, poll, refusal, start } from './device-setup.js';
import { testApi } from './harness.js';

test('a start tells the device what to show', async () => {
  const started = await start(testApi({ publicUrl: 'https://km.example/' }));
  expect(started).toMatchObject({
    verificationUri: 'https://km.example/device',
    verificationUriComplete: `https://km.example/device?user_code=${started.userCode}`,
    expiresIn: 600,
    interval: 5,
  });
  expect(started.userCode).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
});

test('a start may have an empty body, and refuses an unknown scope', async () => {
  const api = testApi();
  await start(api, {});
  await start(api, '');
  const answer = await api.post('/api/auth/device-code/start', { scope: ['everything'] });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: 'invalid_scope' });
  expect((await api.post('/api/auth/device-code/start', { scope: 1 })).status).toBe(400);
});

test('from start to tokens: pending, approved on the page, and used once', async () => {
  const api = testApi({ tokenTtlMs: 60_000 });
  const { deviceCode, userCode } = await start(api, { scope: 'monitoring plugins' });
  expect(await refusal(api, deviceCode)).toBe('authorization_pending');

  const done = await answerOnPage(api, userCode, 'approve');
  expect(done.status).toBe(200);
  expect(await done.text()).toContain('Device connected');

  const answer = await poll(api, deviceCode);
  expect(answer.status).toBe(200);
  const { token } = (await answer.json()) as { token: { accessToken: string; refreshToken: string } };
  expect(token).toEqual({
    accessToken: expect.any(String) as string,
    accessTokenExpiresAt: '2030-01-01T00:01:00.000Z',
    tokenType: 'Bearer',
    refreshToken: expect.any(String) as string,
    scope: ['monitoring', 'plugins'],
  });
  expect((await api.get('/api/auth/validate', token.accessToken)).status).toBe(200);
  expect((await api.refresh(token.refreshToken)).status).toBe(200);
  expect(await refusal(api, deviceCode)).toBe('expired_token');
  expect(api.store.stats().issued.device_code).toBe(1);
});

test('of ten polls at once for an approved code exactly one wins', async () => {
  const api = testApi();
  const { deviceCode, userCode } = await start(api);
  await answerOnPage(api, userCode, 'approve');
  const answers = await Promise.all(Array.from({ length: 10 }, () => poll(api, deviceCode)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(api.store.stats().issued.device_code).toBe(1);
});

test('a denied login is told so, again and again', async () => {
  const api = testApi();
  const { deviceCode, userCode } = await start(api);
  expect(await (await answerOnPage(api, userCode, 'deny')).text()).toContain('Device denied');
  expect(await refusal(api, deviceCode)).toBe('access_denied');
  expect(await refusal(api, deviceCode)).toBe('access_denied');
});

test('a code expires for the device and on the page', async () => {
  const api = testApi({ deviceCodeTtlMs: 60_000 });
  const { deviceCode, userCode } = await start(api);
  api.clock.advance(60_000);
  expect(await refusal(api, deviceCode)).toBe('expired_token');
  expect((await api.get(`/device?user_code=${userCode}`)).status).toBe(400);
  expect((await answerOnPage(api, userCode, 'approve')).status).toBe(403);
});

test('a code that never was is expired too, and a malformed poll is a bad request', async () => {
  const api = testApi();
  expect(await refusal(api, 'kmdc_never')).toBe('expired_token');
  for (const body of [{}, { deviceCode: 1 }, { deviceCode: '' }, '', 'x']) {
    const answer = await api.post('/api/auth/device-code/poll', body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
  }
});

test('polling too fast is told to slow down, by five seconds more each time', async () => {
  const api = testApi();
  const { deviceCode } = await start(api);
  expect(await refusal(api, deviceCode)).toBe('authorization_pending');
  api.clock.advance(4_000);
  expect(await refusal(api, deviceCode)).toBe('slow_down');
  api.clock.advance(9_000);
  expect(await refusal(api, deviceCode)).toBe('slow_down');
  api.clock.advance(14_000);
  expect(await refusal(api, deviceCode)).toBe('slow_down');
  api.clock.advance(20_000);
  expect(await refusal(api, deviceCode)).toBe('authorization_pending');
});

test('a login approved in the meantime is given even to who polls too fast', async () => {
  const api = testApi();
  const { deviceCode, userCode } = await start(api);
  await refusal(api, deviceCode);
  await answerOnPage(api, userCode, 'approve');
  expect((await poll(api, deviceCode)).status).toBe(200);
});

test('the code may be typed in small letters and without its hyphen', async () => {
  const api = testApi();
  const { deviceCode, userCode } = await start(api);
  await answerOnPage(api, ` ${userCode.toLowerCase().replace('-', '')} `, 'approve');
  expect((await poll(api, deviceCode)).status).toBe(200);
});
