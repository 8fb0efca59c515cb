import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_HOST, startCorporateNetwork } from './support/corporate.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, environment, runKm } from './support/km.js';

/** Every way out is a proxy that notes whom `km` wants to reach: this profile's endpoint, or another. */
async function someoneElsewhere() {
  const network = await startCorporateNetwork(await startApi());
  const folder = temporaryFolder();
  const env = environment({
    KILOMETERS_API_KEY: API_KEY,
    KM_CONFIG_DIR: folder,
    KM_MAX_RETRIES: '0',
    HTTPS_PROXY: network.proxy.url,
    SSL_CERT_FILE: network.authority,
  });
  const path = join(folder, 'config.json');
  const whole = JSON.stringify(
    { version: 1, activeProfile: 'work', profiles: { work: { apiEndpoint: network.endpoint } } },
    undefined,
    2,
  );
  return { network, env, path, whole };
}

/** What becomes of a file: cut off, a line lost, a byte gone bad, text that is no JSON, JSON that is no configuration. */
function damages(whole: string): readonly (string | Buffer)[] {
  const lines = whole.split('\n');
  const cuts = Array.from({ length: 8 }, (_, part) =>
    whole.slice(0, 1 + Math.floor((part * whole.length) / 8)),
  );
  const without = [0, lines.length - 1].map((line) => lines.toSpliced(line, 1).join('\n'));
  const bad = Buffer.from(whole);
  bad[whole.indexOf(API_HOST)] = 0xff;
  return [...cuts, ...without, bad, whole.replaceAll('"', "'"), '\0'.repeat(whole.length), '[]', 'null'];
}

test('a damaged config.json costs the token: the endpoint in it is not guessed, and no other is asked', async () => {
  const { network, env, path, whole } = await someoneElsewhere();
  const getToken = () => runKm(['auth', 'token'], { env });

  // Without settings another endpoint is asked, and it would be seen.
  expect(await getToken()).toMatchObject({ code: 75, stdout: '' });
  expect(network.tunnels()).toEqual(['api.kilometers.ai:443']);
  writeFileSync(path, whole, { mode: 0o600 });
  expect(await getToken()).toMatchObject({ code: 0 });
  expect(network.tunnels()).toEqual(['api.kilometers.ai:443', `${API_HOST}:443`]);

  for (const damaged of damages(whole)) {
    writeFileSync(path, damaged);
    const { code, stdout, stderr } = await getToken();
    expect({ damaged: String(damaged), code, stdout }).toMatchObject({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^km: [^\n]*config\.json[^\n]*\n$/);
    expect(stderr).not.toContain(API_KEY);
  }
  expect(network.tunnels()).toHaveLength(2);

  writeFileSync(path, whole);
  expect(await getToken()).toMatchObject({ code: 0 });
});
