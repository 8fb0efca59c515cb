import { expect, test } from 'vitest';
import { createLocalApi, startLocalApi, type LocalApiOptions } from '../src/index.js';

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
