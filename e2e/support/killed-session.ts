import { setTimeout as delay } from 'node:timers/promises';
import { startSession } from './queue-session.js';
import { ProcessorWaits } from './run-queue.js';

/** What a killed process captured in its last 200 ms may be lost. */
const MAY_BE_LOST_MS = 200;
const LOOK_MS = 10;

/** What is known of a session while it runs. */
export type SessionSoFar = {
  /** Since it was started. */
  readonly ageMs: number;
  /** How many messages were back for so long that they must not be lost. */
  readonly safe: number;
};

/**
 * Runs a session with these variables, whose client sends messages without end, and kills it once `isTime`. Resolves
 * with how many of them must not be lost.
 *
 * @param atOnce how many messages are sent every 3 ms.
 */
export async function killSession(
  env: Record<string, string>,
  name: string,
  isTime: (soFar: SessionSoFar) => boolean,
  atOnce = 1,
): Promise<number> {
  const startedAtMs = performance.now();
  const session = startSession(env, name);
  void session.send(10_000 * atOnce, 3, atOnce).catch(() => undefined);
  // A machine that has other things to do gives it less time: the time in which it could not run does not count.
  const waits = new ProcessorWaits(session.km.child.pid ?? 0, LOOK_MS);
  const look = (): SessionSoFar => {
    waits.look();
    const safeAtMs = waits.beforeRunningMs(MAY_BE_LOST_MS);
    const safe = session.echoedAtMs.filter((atMs) => atMs <= safeAtMs).length;
    return { ageMs: performance.now() - startedAtMs, safe };
  };
  let soFar = look();
  while (!isTime(soFar)) {
    await delay(LOOK_MS);
    soFar = look();
  }
  session.km.child.kill('SIGKILL');
  await session.km.ended;
  return soFar.safe;
}
