import { expect, test } from 'vitest';
import { createLocalApi, startLocalApi, type LocalApiOptions } from '../src/index.js';
import { testApi } from './harness.js';

test.each<[string, LocalApiOptions]>([
  ['a lifetime under a second', { tokenTtlMs: 500 }],
  ['a lifetime that is no number', { tokenTtlMs: Number.NaN }],
  ['a negative grace', { graceMs: -1 }],
  ['a key of no tier', { apiKeys: ['secret'] }],
  ['a key that is only a prefix', { apiKeys: ['km_pro_'] }],
  ['an empty key', { apiKeys: [{ key: '', tier: 'pro' }] }],
  ['a client with no secret', { clients: [{ clientId: 'ci', clientSecret: '' }] }],
  ['a public URL that is none', { publicUrl: 'example' }],
])('%s is refused', (_name, options) => {
  expect(() => createLocalApi(options)).toThrow(expect.objectContaining({ code: 'KM_LOCAL_API_BAD_OPTION' }));
});

test.each<[string, unknown, string]>([
  ['a format of tokens that is none', { tokenFormat: 'foo' }, 'jwt or opaque'],
  ['keys that are no list', { apiKeys: 'km_live_a' }, 'apiKeys must be a list'],
  ['clients that are no list', { clients: {} }, 'clients must be a list'],
  ['trouble that is no list', { trouble: 'status=503' }, 'trouble must be a list'],
  ['a key option with no key', { apiKeys: [{}] }, '{ key, tier?, subject? }'],
  ['a key that is nothing', { apiKeys: [null] }, '{ key, tier?, subject? }'],
  ['a tier that is none', { apiKeys: [{ key: 'k', tier: 'gold' }] }, 'free, pro or enterprise'],
  [
    'an end of features that is no time',
    { apiKeys: [{ key: 'km_live_a', featuresExpireAtMs: '2031' }] },
    'featuresExpireAtMs',
  ],
  ['a subject that is no text', { apiKeys: [{ key: 'km_live_a', subject: 7 }] }, 'subject'],
  ['a client with no id', { clients: [{ clientSecret: 's' }] }, '{ clientId, clientSecret, tier? }'],
  ['a tier of a client that is none', { clients: [{ clientId: 'a', clientSecret: 's', tier: 'x' }] }, 'pro'],
])('without types, %s is refused, and what to give is said', (_name, options, message) => {
  expect(() => createLocalApi(options as LocalApiOptions)).toThrow(
    expect.objectContaining({
      code: 'KM_LOCAL_API_BAD_OPTION',
      message: expect.stringContaining(message) as string,
    }),
  );
});

test('an option that is undefined is as one that is not given', async () => {
  const names = ['database', 'clients', 'tokenFormat', 'tokenTtlMs', 'issueRefreshTokens', 'graceMs'];
  const others = ['rotateRefreshTokens', 'trouble', 'log', 'sleep', 'randomBytes', 'publicUrl'];
  const unset = Object.fromEntries([...names, ...others].map((name) => [name, undefined]));
  const api = testApi(unset);
  const { refresh_token: refreshToken, expires_in: expiresIn } = await api.login();
  expect(expiresIn).toBe(3_600);
  expect((await api.refresh(refreshToken)).status).toBe(200);
  expect(() => createLocalApi({ now: undefined } as unknown as LocalApiOptions)).not.toThrow();
});

test('trouble that makes no sense is refused at the start', () => {
  expect(() => createLocalApi({ trouble: ['status=maybe'] })).toThrow(
    expect.objectContaining({ code: 'KM_LOCAL_API_BAD_TROUBLE' }),
  );
});

test('a database that cannot be opened is a clear error', () => {
  expect(() => createLocalApi({ database: '/nowhere/at/all/api.db' })).toThrow(
    expect.objectContaining({ code: 'KM_LOCAL_API_STORE_UNAVAILABLE' }),
  );
});

test('a port that is none, or an address that is not ours, is a clear error', async () => {
  await expect(startLocalApi({ port: 70_000 })).rejects.toMatchObject({ code: 'KM_LOCAL_API_BAD_OPTION' });
  await expect(startLocalApi({ hostname: '203.0.113.1' })).rejects.toMatchObject({
    code: 'KM_LOCAL_API_CANNOT_LISTEN',
  });
});

test('a key of any shape is let in when its tier is told, and keys can share an account', async () => {
  const api = createLocalApi({
    apiKeys: [
      { key: 'anything', tier: 'enterprise', subject: 'acct_me' },
      { key: 'another', tier: 'enterprise', subject: 'acct_me' },
    ],
  });
  for (const key of ['anything', 'another']) {
    const answer = await api.app.request('/api/user/features', { headers: { 'X-API-Key': key } });
    expect(await answer.json()).toMatchObject({ tier: 'enterprise' });
  }
});
