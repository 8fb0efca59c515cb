import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningLocalApi } from '@kilometers/local-api';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { killSession } from './support/killed-session.js';
import { accountAt, API_KEY, environment, runKm } from './support/km.js';
import { numbersTo, storedNumbers } from './support/queue-session.js';

const SLOW_THREAD = fileURLToPath(new URL('support/slow-thread.cjs', import.meta.url));
/** How many messages must not be lost when it is killed: as soon as there is one, and later. */
const SAFE = [1, 50, 150];

/** Kills a session with these variables at each of these moments; what must be there afterwards, by its name. */
async function killedSessions(env: Record<string, string>): Promise<ReadonlyMap<string, number>> {
  const safe = new Map<string, number>();
  for (const [round, count] of SAFE.entries()) {
    const name = `round-${round}`;
    safe.set(name, await killSession(env, name, (soFar) => soFar.safe >= count));
  }
  return safe;
}

async function expectDelivered(
  env: Record<string, string>,
  safe: ReadonlyMap<string, number>,
  api: RunningLocalApi,
): Promise<void> {
  expect(await runKm(['queue', 'flush'], { env })).toMatchObject({ code: 0 });
  for (const [name, least] of safe) {
    for (const direction of ['outbound', 'inbound'] as const) {
      const stored = storedNumbers(api, name, direction);
      expect(stored, name).toEqual(numbersTo(stored.length));
      expect(stored.length, `${name}, ${direction}`).toBeGreaterThanOrEqual(least);
    }
  }
}

describe('km is killed before it knows whose the messages are', () => {
  test('while the thread that captures starts: at most its last 200 ms are lost', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const safe = await killedSessions({ ...env, NODE_OPTIONS: `--require ${SLOW_THREAD}` });
    await expectDelivered(env, safe, api);
  }, 300_000);

  test('while config.json cannot be read: at most its last 200 ms are lost', async () => {
    const api = await startApi();
    const folder = temporaryFolder();
    const env = environment({
      KILOMETERS_API_ENDPOINT: api.url,
      KILOMETERS_API_KEY: API_KEY,
      KM_CONFIG_DIR: folder,
    });
    writeFileSync(join(folder, 'config.json'), '{"profiles": {"default": {', { mode: 0o600 });
    const safe = await killedSessions(env);
    writeFileSync(join(folder, 'config.json'), '{}');
    await expectDelivered(env, safe, api);
  }, 300_000);
});
