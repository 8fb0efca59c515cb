import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { checksOf } from './support/doctor.js';
import { accountAt, runKm } from './support/km.js';
import { listen } from './support/listen.js';

test('km doctor says that the clock is off', async () => {
  const server = createServer((_, response) => {
    response.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString());
    response.end('{}');
  });
  const port = await listen(server);
  const { find } = await checksOf(accountAt(`http://127.0.0.1:${port}`));
  expect(find('clock')).toMatchObject({ state: 'warning' });
  expect(find('clock')?.detail).toMatch(/^36\d\d s ahead of the API's/);
});

test('km doctor says that the clock was off, where nobody can be asked any more', async () => {
  const api = await startApi();
  api.trouble.add('path=/api/auth/token,skew=-1h,count=inf');
  const env = accountAt(api.url);
  await runKm(['auth', 'token'], { env });
  await api.close();
  const { find } = await checksOf(env);
  expect(find('endpoint')).toMatchObject({ state: 'failed' });
  expect(find('clock')).toEqual({
    name: 'clock',
    state: 'warning',
    detail: expect.stringMatching(/^was (60|59) m ahead of the API's at \d\d:\d\d$/) as string,
    remedy: 'set the clock, or turn on NTP',
  });
});
