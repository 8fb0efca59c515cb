import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, monitoring, runKm, startKm } from './support/km.js';
import { sessionOf } from './support/queue-session.js';
import { ECHO } from './support/scripted-servers.js';
import { until } from './support/until.js';

const MESSAGES = 20_000;

test('messages that come as fast as they are taken are all kept, while the API is down', async () => {
  const api = await startApi();
  await api.close();
  const env = accountAt(api.url);
  const session = sessionOf(startKm(monitoring(ECHO), env), 'x'.repeat(1_000));
  await session.send(MESSAGES);
  await until('the echoes', () => session.echoedAtMs.length === MESSAGES);
  const waiting = async (): Promise<unknown> => {
    const { stdout } = await runKm(['queue', 'status', '--json'], { env });
    return (JSON.parse(stdout) as { readonly waiting: unknown }).waiting;
  };
  // From its end on a session has some seconds to write what it has not.
  await until('all of it in the queue', async () => (await waiting()) === 2 * MESSAGES, 90_000, 1_000);
  await session.end();
  expect(session.km.stderr()).toMatch(/^km: 40000 events in the queue, for a later km [^\n]*\n$/);
  expect(await waiting()).toBe(2 * MESSAGES);
}, 180_000);
