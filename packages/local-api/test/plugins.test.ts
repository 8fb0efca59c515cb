import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { FREE_KEY, PRO_KEY, testApi } from './harness.js';

const REQUEST = {
  plugins: [{ name: 'console-logger', installedVersion: null }],
  platform: { os: 'linux', arch: 'x64' },
  cliVersion: '0.1.0',
};

type Manifest = {
  readonly plugins: readonly {
    readonly name: string;
    readonly version: string;
    readonly tier: string;
    readonly url: string;
    readonly hash: string;
    readonly size: number;
  }[];
};

async function manifestFor(key: string): Promise<Manifest> {
  const api = testApi({ apiKeys: [key] });
  const { access_token: token } = await api.login(['plugins'], key);
  return (await (await api.post('/api/plugins/manifest', REQUEST, token)).json()) as Manifest;
}

test('the manifest lists what the tier may use', async () => {
  const names = async (key: string): Promise<readonly string[]> =>
    (await manifestFor(key)).plugins.map(({ name }) => name);
  expect(await names(FREE_KEY)).toEqual(['console-logger', 'json-exporter']);
  expect(await names(PRO_KEY)).toEqual(['console-logger', 'json-exporter', 'api-logger', 'risk-analyzer']);
  expect(await names('km_ent_x')).toContain('compliance-reporter');
});

test('what the manifest points to has the hash and the size it says', async () => {
  const api = testApi();
  const { access_token: token } = await api.login(['plugins']);
  const manifest = (await (await api.post('/api/plugins/manifest', REQUEST, token)).json()) as Manifest;
  for (const plugin of manifest.plugins) {
    const archive = Buffer.from(await (await api.get(new URL(plugin.url).pathname, token)).arrayBuffer());
    expect(archive).toHaveLength(plugin.size);
    expect(`sha256:${createHash('sha256').update(archive).digest('hex')}`).toBe(plugin.hash);
  }
});

test('a plugin of a higher tier cannot be downloaded', async () => {
  const api = testApi();
  const { access_token: token } = await api.login(['plugins'], FREE_KEY);
  expect((await api.get('/api/plugins/download/api-logger/2.1.0', token)).status).toBe(404);
});

test.each([
  [{ ...REQUEST, plugins: [{ name: 'x' }] }, 'plugins[0].installedVersion is missing'],
  [{ ...REQUEST, platform: 'linux' }, 'platform must be an object'],
  [{ ...REQUEST, cliVersion: undefined }, 'cliVersion is missing'],
])('a malformed manifest request is told what is wrong', async (request, message) => {
  const api = testApi();
  const { access_token: token } = await api.login(['plugins']);
  const answer = await api.post('/api/plugins/manifest', request, token);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({ error: 'invalid_request', error_description: message });
});
