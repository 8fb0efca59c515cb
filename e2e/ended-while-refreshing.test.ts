import { parseTrouble, type ApiEvent } from '@kilometers/local-api';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, runKm, startKm } from './support/km.js';
import { until } from './support/until.js';

test('with an API key, a refresh token whose answer came after km monitor had ended is not sent again', async () => {
  const seen: ApiEvent[] = [];
  const api = await startApi({ tokenTtlMs: 2_000, onEvent: (event) => seen.push(event) });
  const count = (type: ApiEvent['type']): number => seen.filter((event) => event.type === type).length;
  const env = accountAt(api.url);
  const { stdout: before } = await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
  const km = startKm(['monitor', '--', 'cat'], env);
  api.trouble.add(parseTrouble('path=/api/auth/token,latency=3s,count=1'));
  await until('a token request is on its way', () => count('trouble.applied') === 1);
  km.child.stdin.end();
  expect(await km.ended).toEqual({ code: 0, signal: null });
  expect(count('token.refreshed')).toBe(0);

  await until('the API has used the refresh token', () => count('token.refreshed') === 1);
  const { code, stdout } = await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
  expect(code).toBe(0);
  expect(stdout).not.toBe(before);
  expect(count('token.refused')).toBe(0);
  expect(count('family.revoked')).toBe(0);
});
