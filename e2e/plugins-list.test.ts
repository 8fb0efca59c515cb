import { arch, platform } from 'node:os';
import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, accountAt, environment, runKm } from './support/km.js';
import { listen } from './support/listen.js';
import { flawsBySchema } from './support/schema.js';

const LIST = ['plugins', 'list'];

describe('km plugins list', () => {
  test('lists what the tier of the account may use, a line a plugin', async () => {
    const api = await startApi();
    const { code, stdout, stderr } = await runKm(LIST, { env: accountAt(api.url) });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^console-logger\s+1\.2\.0\s+free\s+\d+ B$/m);
    expect(stdout).toMatch(/^risk-analyzer\s+1\.4\.1\s+pro\s+\d+ B$/m);
    expect(stdout).not.toContain('compliance-reporter');
  });

  test('as JSON has where each is, and the hash of it', async () => {
    const api = await startApi();
    const { stdout } = await runKm([...LIST, '--json'], { env: accountAt(api.url) });
    expect(flawsBySchema('plugins-list', stdout)).toEqual([]);
    const { plugins } = JSON.parse(stdout) as { readonly plugins: readonly Record<string, string>[] };
    expect(plugins.length).toBeGreaterThan(2);
    expect(plugins[0]?.['hash']).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test('without a login exits with 4, without the API with 75', async () => {
    expect(await runKm(LIST)).toMatchObject({ code: 4, stdout: '' });
    const api = await startApi({ trouble: ['path=/api/plugins/manifest,status=503,count=inf'] });
    const busy = await runKm(LIST, { env: accountAt(api.url) });
    expect(busy).toMatchObject({ code: 75, stdout: '' });
    expect(busy.stderr).toMatch(/^km: [^\n]*HTTP 503[^\n]*\n$/);
    const portal = await startApi({ trouble: ['path=/api/plugins/manifest,body=html,count=inf'] });
    expect(await runKm(LIST, { env: accountAt(portal.url) })).toMatchObject({ code: 75, stdout: '' });
  });

  test('keeps in JSON what the API says, and shows letters of any script', async () => {
    const plugins = [
      { name: 'Überwacher', version: '1.0-ä', tier: 'größer' },
      { name: '監視'.repeat(50), version: '2' },
      { name: '\u009b31m\u202e', version: '3\n4', tier: '' },
    ];
    const server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      const token = { access_token: 't', token_type: 'Bearer', expires_in: 600 };
      response.end(JSON.stringify(request.url === '/api/auth/token' ? token : { plugins }));
    });
    const env = accountAt(`http://127.0.0.1:${await listen(server)}`);
    const [json, lines] = [await runKm([...LIST, '--json'], { env }), await runKm(LIST, { env })];
    expect(flawsBySchema('plugins-list', json.stdout)).toEqual([]);
    expect(JSON.parse(json.stdout)).toMatchObject({ plugins });
    expect(json.stdout).not.toMatch(/[\u009b\u202e]/);
    expect(lines.stdout.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
      'Überwacher 1.0-ä größer',
      `${'監視'.repeat(40)} 2`,
      '31m 3 4',
      '',
    ]);
  });

  test('says which km asks, for which platform, and shows nothing that a terminal would obey', async () => {
    const bodies: string[] = [];
    const products = new Set<string | undefined>();
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      products.add(request.headers['user-agent']);
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.setHeader('content-type', 'application/json');
        if (request.url === '/api/auth/token') {
          response.end('{"access_token":"t","token_type":"Bearer","expires_in":600}');
          return;
        }
        bodies.push(Buffer.concat(chunks).toString());
        const plugins = [{ name: 'evil\u001b[31m', version: '1.0\n2' }, { name: 7 }, null];
        response.end(JSON.stringify({ plugins }));
      });
    });
    const port = await listen(server);
    const env = environment({
      KILOMETERS_API_KEY: API_KEY,
      KILOMETERS_API_ENDPOINT: `http://127.0.0.1:${port}`,
    });
    const { code, stdout } = await runKm(LIST, { env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'evil [31m  1.0 2\n' });
    const version = (await runKm(['--version'])).stdout.trim();
    expect(JSON.parse(bodies[0] ?? '')).toEqual({
      plugins: [],
      platform: { os: platform(), arch: arch() },
      cliVersion: version,
    });
    expect(products).toEqual(new Set([`km/${version}`]));
  });
});
