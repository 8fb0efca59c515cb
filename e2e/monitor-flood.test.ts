import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, monitoring, runKm, startKm } from './support/km.js';
import { sessionOf } from './support/queue-session.js';
import { ECHO } from './support/scripted-servers.js';

const MESSAGES = 20_000;

test('messages that come as fast as they are taken are all kept, while the API is down', async () => {
  const api = await startApi();
  await api.close();
  const env = accountAt(api.url);
  const session = sessionOf(startKm(monitoring(ECHO), env), 'x'.repeat(1_000));
  await session.send(MESSAGES);
  await session.end();
  expect(session.echoedAtMs).toHaveLength(MESSAGES);
  expect(session.km.stderr()).toMatch(/^km: 40000 events in the queue, for a later km [^\n]*\n$/);
  const status = await runKm(['queue', 'status', '--json'], { env });
  expect(JSON.parse(status.stdout)).toMatchObject({ waiting: 2 * MESSAGES });
}, 60_000);
