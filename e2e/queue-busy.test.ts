import { expect, onTestFinished, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, runKm } from './support/km.js';
import { numbersTo, startSession, storedNumbers } from './support/queue-session.js';
import { until } from './support/until.js';

test('km queue flush beside a session whose traffic never stops ends when what waited is delivered', async () => {
  const api = await startApi();
  const env = accountAt(api.url);
  await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
  // Whenever a batch is through there is the next one.
  api.trouble.add('path=/api/events/batch,latency=500ms,count=inf');
  const session = startSession(env, 'busy');
  const over = new AbortController();
  onTestFinished(() => {
    over.abort();
  });
  let sent = 0;
  const sending = (async () => {
    for (; !over.signal.aborted; sent += 1) await session.send(1, 20);
  })();
  await until('there is much to deliver', () => storedNumbers(api, 'busy').length > 0 && sent > 200);
  const before = sent;
  const { code, stderr } = await runKm(['queue', 'flush'], { env });
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'km: another km that runs has delivered what waited\n',
  });
  expect(storedNumbers(api, 'busy').length).toBeGreaterThanOrEqual(before - 100);
  over.abort();
  await sending;
  await session.end();
  expect((await runKm(['queue', 'flush'], { env })).code).toBe(0);
  expect(storedNumbers(api, 'busy')).toEqual(numbersTo(sent));
}, 120_000);
