import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, API_KEY, environment, runKm } from './support/km.js';
import { killSession, type SessionSoFar } from './support/killed-session.js';
import { numbersTo, storedNumbers } from './support/queue-session.js';
import { seeded } from './support/seeded.js';
import { until } from './support/until.js';

const ALL_STORMS = process.env['KM_ALL_STORMS'] === '1';
const SEED = Number(process.env['KM_SEED'] ?? Date.now() % 1e6);
const ROUNDS = ALL_STORMS ? 25 : 3;
describe(`km is killed at any moment from its start on (KM_SEED=${SEED})`, () => {
  const random = seeded(SEED);

  test.each([
    ['the API cannot be reached', 'path=/api/*,drop=before,count=1000000', true, 1],
    ['the API is slow', 'path=/api/events/batch,latency=400ms,count=1000000', true, 1],
    ['the API works', undefined, true, 1],
    ['much passes', undefined, true, 10],
    ['nobody is logged in', undefined, false, 1],
  ])(
    'while %s: at most its last 200 ms are lost, and the rest is stored once, in order',
    async (_, trouble, isLoggedIn, atOnce) => {
      const api = await startApi();
      const env = isLoggedIn ? accountAt(api.url) : environment({ KILOMETERS_API_ENDPOINT: api.url });
      const mended = trouble === undefined ? undefined : api.trouble.add(trouble);
      const safe = new Map<string, number>();
      for (let round = 0; round < ROUNDS; round += 1) {
        const name = `round-${round}`;
        // As often in the first half second as in the two after it.
        const afterMs = round % 2 === 0 ? random() * 500 : 500 + random() * 1_500;
        // On however slow a machine: of those that are killed later there is something that must not be lost.
        const isTime = (soFar: SessionSoFar) => soFar.ageMs >= afterMs && (round % 2 === 0 || soFar.safe > 0);
        safe.set(name, await killSession(env, name, isTime, atOnce));
      }
      mended?.();
      if (!isLoggedIn) await runKm(['auth', 'login', '--api-key-stdin'], { env, input: API_KEY });
      // So many sessions in so short a time may have to wait before they get another token.
      await until(
        'the queue is delivered',
        async () => (await runKm(['queue', 'flush'], { env })).code === 0,
        60_000,
      );
      for (const [name, least] of safe) {
        for (const direction of ['outbound', 'inbound'] as const) {
          const stored = storedNumbers(api, name, direction);
          expect(stored.slice(0, least), `${name}, ${direction}`).toEqual(numbersTo(least));
          // Of its last 200 ms any may be lost: some of it is kept as it passed, and some waits to be written meanwhile.
          expect(stored, `${name}, ${direction}`).toEqual([...new Set(stored)].sort((a, b) => a - b));
        }
      }
      const status = await runKm(['queue', 'status', '--json'], { env });
      expect(JSON.parse(status.stdout)).toMatchObject({ waiting: 0, accounts: [] });
    },
    ALL_STORMS ? 1_800_000 : 300_000,
  );
});
