import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { environment, runKm, startKm, type RunningKm } from './support/km.js';
import { codeBlocks } from './support/markdown.js';
import { until } from './support/until.js';

/** Starts `km dev` and waits for its address, which is all it says on stdout. */
async function startDev(
  ...args: readonly string[]
): Promise<{ readonly km: RunningKm; readonly url: string }> {
  const km = startKm(['dev', '--port', '0', ...args]);
  await until('the address of the API', () => km.stdout().includes('\n'));
  return { km, url: km.stdout().toString().trim() };
}

async function requestToken(url: string, apiKey: string): Promise<Response> {
  return fetch(`${url}/api/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ grant_type: 'api_key', api_key: apiKey, scope: ['monitoring'] }),
  });
}

describe('km dev', () => {
  test('serves the API at the address it prints, until Ctrl-C', async () => {
    const { km, url } = await startDev();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'healthy' });
    km.child.kill('SIGINT');
    expect(await km.ended).toEqual({ code: 0, signal: null });
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });

  test('does as its flags say', async () => {
    const { url } = await startDev('--token-ttl', '90s', '--api-key', 'km_pro_a', '--api-key', 'km_pro_b');
    expect(await (await requestToken(url, 'km_pro_a')).json()).toMatchObject({ expires_in: 90 });
    expect((await requestToken(url, 'km_pro_b')).status).toBe(200);
    expect((await requestToken(url, 'km_pro_c')).status).toBe(401);
  });

  test('says on stderr what to set, and that works as it stands', async () => {
    const { km } = await startDev();
    await until('the variables', () => km.stderr().includes('KILOMETERS_API_KEY='));
    const variables = Object.fromEntries(
      [...km.stderr().matchAll(/(KILOMETERS_[A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [
        name,
        value,
      ]),
    );
    expect(await runKm(['auth', 'token'], { env: environment(variables) })).toMatchObject({ code: 0 });
  });

  test('says what docs/test-locally.md shows', async () => {
    const { km, url } = await startDev();
    const text = codeBlocks('docs/test-locally.md', 'console')[0]?.text ?? '';
    const [, line = ''] = /^\$ (export .*)$/m.exec(text.replace('http://127.0.0.1:8787', url)) ?? [];
    expect(line).toContain(url);
    await until('the variables', () => km.stderr().includes('KILOMETERS_API_KEY='));
    expect(km.stderr()).toContain(`: ${line}\n`);
  });

  test('makes trouble on request', async () => {
    const { url } = await startDev('--fail', 'status=503,count=1', '--latency', '5ms');
    expect((await requestToken(url, 'km_live_local_development')).status).toBe(503);
    expect((await requestToken(url, 'km_live_local_development')).status).toBe(200);
  });

  test('answers as late as --latency says where --fail answers, too, and adds what the trouble waits itself', async () => {
    const LATER_MS = 250;
    const trouble = ['--fail', 'status=503', '--fail', `status=429,latency=${String(LATER_MS)}ms`];
    const { url } = await startDev(...trouble, '--latency', `${String(LATER_MS)}ms`);
    const answer = async (): Promise<{ readonly status: number; readonly tookMs: number }> => {
      const startedAtMs = performance.now();
      const { status } = await requestToken(url, 'km_live_local_development');
      return { status, tookMs: performance.now() - startedAtMs };
    };
    const answers = [await answer(), await answer(), await answer()];
    expect(answers.map(({ status }) => status)).toEqual([503, 429, 200]);
    for (const [index, times] of [1, 2, 1].entries()) {
      // A timer may be a millisecond early.
      expect(answers[index]?.tookMs).toBeGreaterThanOrEqual(times * LATER_MS - times);
    }
  });

  test('keeps its state in a file', async () => {
    const file = join(temporaryFolder(), 'state.db');
    const first = await startDev('--db', file, '--api-key', 'km_pro_kept');
    const { access_token: token } = (await (await requestToken(first.url, 'km_pro_kept')).json()) as {
      readonly access_token: string;
    };
    first.km.child.kill('SIGTERM');
    await first.km.ended;
    expect(existsSync(file)).toBe(true);
    const { url } = await startDev('--db', file);
    const answer = await fetch(`${url}/api/auth/validate`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
  });

  test('says that the port is taken', async () => {
    const { url } = await startDev();
    const run = await runKm(['dev', '--port', new URL(url).port]);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/^km: port \d+ [^\n]*already in use[^\n]*\n$/);
  });
});
