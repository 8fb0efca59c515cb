import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, runKm } from './support/km.js';
import { numbersTo, startSession, storedNumbers } from './support/queue-session.js';
import { waitedForProcessorMs } from './support/run-queue.js';
import { until } from './support/until.js';

const ALL_STORMS = process.env['KM_ALL_STORMS'] === '1';
const ROUNDS = ALL_STORMS ? 34 : 4;
/** What a killed process captured in its last 200 ms may be lost. */
const MAY_BE_LOST_MS = 200;
const LOOK_MS = 25;

/** Runs a session with these variables and kills it at some moment. Resolves with how many messages must not be lost. */
async function killed(env: Record<string, string>, name: string): Promise<number> {
  const session = startSession(env, name);
  void session.send(10_000, 3).catch(() => undefined);
  await until('the first message is back', () => session.echoedAtMs.length > 0);
  const pid = session.km.child.pid ?? 0;
  // A machine that has other things to do gives it less time: the time in which it could not run does not count.
  const waits: number[] = [];
  const startedAtMs = performance.now();
  const endsAtMs = startedAtMs + Math.random() * 1_500;
  while (performance.now() < endsAtMs) {
    waits.push(waitedForProcessorMs(pid));
    await delay(LOOK_MS);
  }
  const waitedMs = waitedForProcessorMs(pid) - (waits.at(-MAY_BE_LOST_MS / LOOK_MS) ?? 0);
  session.km.child.kill('SIGKILL');
  const killedAtMs = performance.now();
  await session.km.ended;
  const safeAtMs = killedAtMs - MAY_BE_LOST_MS - waitedMs;
  return session.echoedAtMs.filter((atMs) => atMs <= safeAtMs).length;
}

describe('km is killed at any moment', () => {
  test.each([
    ['cannot be reached', 'path=/api/*,drop=before,count=1000000'],
    ['is slow', 'path=/api/events/batch,latency=400ms,count=1000000'],
    ['works', undefined],
  ])(
    'while the API %s: at most its last 200 ms are lost, and the rest is stored once, in order',
    async (_, trouble) => {
      const api = await startApi();
      const env = accountAt(api.url);
      const mended = trouble === undefined ? undefined : api.trouble.add(trouble);
      const safe = new Map<string, number>();
      for (let round = 0; round < ROUNDS; round += 1) {
        const name = `round-${round}`;
        safe.set(name, await killed(env, name));
      }
      mended?.();
      const flush = await runKm(['queue', 'flush'], { env });
      expect(flush).toMatchObject({ code: 0, stderr: expect.not.stringContaining('because') as string });
      for (const [name, least] of safe) {
        const stored = storedNumbers(api, name);
        expect(stored, name).toEqual(numbersTo(stored.length));
        expect(stored.length, name).toBeGreaterThanOrEqual(least);
      }
      const status = await runKm(['queue', 'status', '--json'], { env });
      expect(JSON.parse(status.stdout)).toMatchObject({ waiting: 0 });
    },
    ALL_STORMS ? 600_000 : 60_000,
  );
});
