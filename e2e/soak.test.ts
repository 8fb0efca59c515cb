import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents } from './support/api.js';
import { accountAt, environment, runKm, start, startKm } from './support/km.js';
import { numbersTo, sessionOf, storedNumbers } from './support/queue-session.js';
import { until } from './support/until.js';

/** `npm run soak` runs them for as long as they are meant to; otherwise for some seconds. */
const IS_LONG = process.env['KM_SOAK'] === '1';
const FLAPPING_S = IS_LONG ? 600 : 6;
const SHORT_TOKENS_S = IS_LONG ? 300 : 6;
const FLOOD_S = IS_LONG ? 120 : 9;
// How long things take is what this is about.
const FLAP_MS = 1_000;
const LOOK_MS = 200;
const MESSAGE_MS = 50;
/** What piled up meanwhile is delivered in this time. */
const DRAIN_MS = 180_000;
const BEAT_MS = 100;
const MIB = 1024 * 1024;

/** What an API may do for a second. */
const TROUBLES = [
  'path=/api/*,drop=before,count=inf',
  'path=/api/events/batch,drop=after,count=inf',
  'path=/api/*,status=503,retry-after=none,count=inf',
  'path=/api/events/batch,body=html,count=inf',
  'path=/api/events/batch,status=429,retry-after=1,count=inf',
  'path=/api/events/batch,latency=700ms,count=inf',
];

/** What a process has in memory, in bytes. */
function memoryOf(pid: number): number {
  const [, kib = '0'] = /^Rss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

describe(`for ${IS_LONG ? 'long' : 'some seconds; npm run soak does it for long'}`, () => {
  test(
    `${FLAPPING_S} s with an API that comes and goes every second: every event is there once, in order`,
    async () => {
      const api = await startApi();
      const session = sessionOf(startKm(['monitor', '--', 'cat'], accountAt(api.url)), 'flapping');
      const endsAtMs = performance.now() + FLAPPING_S * 1_000;
      const sending = (async () => {
        let sent = 0;
        for (; performance.now() < endsAtMs; sent += 1) await session.send(1, MESSAGE_MS);
        return sent;
      })();
      for (let second = 0; performance.now() < endsAtMs; second += 1) {
        // Every other second it works.
        const trouble = TROUBLES[(second / 2) % TROUBLES.length];
        const mended = trouble === undefined ? undefined : api.trouble.add(trouble);
        await delay(FLAP_MS);
        mended?.();
      }
      const count = await sending;
      await until(
        'the last events',
        () => storedNumbers(api, 'flapping', 'inbound').length >= count,
        DRAIN_MS,
      );
      await session.end();
      for (const direction of ['outbound', 'inbound'] as const) {
        expect(storedNumbers(api, 'flapping', direction)).toEqual(numbersTo(count));
      }
      expect(session.echoedAtMs).toHaveLength(count);
      expect(session.km.stderr()).toBe('');
    },
    FLAPPING_S * 1_000 + DRAIN_MS + 30_000,
  );

  test(
    `${SHORT_TOKENS_S} s with tokens that live two seconds: no 401 reaches anybody, no refresh token is used twice`,
    async () => {
      const refused: string[] = [];
      const api = await startApi({
        tokenTtlMs: 2_000,
        onEvent: (event) => {
          if (event.type === 'token.refused' || event.type === 'family.revoked')
            refused.push(JSON.stringify(event));
        },
      });
      const env = accountAt(api.url);
      const sessions = [0, 1, 2].map((n) => sessionOf(startKm(['monitor', '--', 'cat'], env), `short-${n}`));
      const sending = sessions.map((session) => session.send(SHORT_TOKENS_S * 30, 33));
      const endsAtMs = performance.now() + SHORT_TOKENS_S * 1_000;
      let usedInTime = 0;
      while (performance.now() < endsAtMs) {
        const { code, stdout } = await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
        const answer = await fetch(`${api.url}/api/auth/validate`, {
          headers: { authorization: `Bearer ${stdout.trim()}` },
        });
        expect(code).toBe(0);
        // It has at least the leeway left, and a busy machine may need more to bring it there.
        if (Date.now() < (decodeJwt(stdout.trim()).exp ?? 0) * 1_000) {
          expect(answer.status).toBe(200);
          usedInTime += 1;
        }
        await delay(LOOK_MS);
      }
      expect(usedInTime).toBeGreaterThan(0);
      await Promise.all(sending);
      for (const session of sessions) await session.end();
      const count = SHORT_TOKENS_S * 30;
      await runKm(['queue', 'flush'], { env });
      for (const session of sessions) {
        expect(storedNumbers(api, session.name)).toEqual(numbersTo(count));
        expect(session.echoedAtMs).toHaveLength(count);
        // At its end a slow machine may leave some to the queue, which is said; nothing else is.
        expect(session.km.stderr()).toMatch(/^(km: \d+ events? in the queue, for a later km [^\n]*\n)?$/);
      }
      expect(storedEvents(api)).toHaveLength(count * 3 * 2);
      expect(refused).toEqual([]);
    },
    (SHORT_TOKENS_S + 120) * 1_000,
  );

  test(
    `${FLOOD_S} s at 1,000 messages a second while the API is down: memory stays as it is, 60 MB over that of a bare node at most`,
    async () => {
      const api = await startApi();
      await api.close();
      const session = sessionOf(startKm(['monitor', '--', 'cat'], accountAt(api.url)), 'flood');
      const bare = start(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], environment());
      const memory: number[] = [];
      for (let second = 0; second < FLOOD_S; second += 1) {
        for (let tenth = 0; tenth < 10; tenth += 1) {
          await session.send(100);
          await delay(BEAT_MS);
        }
        memory.push(memoryOf(session.km.child.pid ?? 0));
      }
      // So busy a machine says back the last of them later than a beat.
      await until('the echoes', () => session.echoedAtMs.length === FLOOD_S * 1_000);
      const third = Math.floor(FLOOD_S / 3);
      const [early, late] = [medianOf(memory.slice(third, 2 * third)), medianOf(memory.slice(2 * third))];
      expect(late - early).toBeLessThan(8 * MIB);
      expect(late - memoryOf(bare.child.pid ?? 0)).toBeLessThan(60 * MIB);
    },
    (FLOOD_S + 120) * 1_000,
  );
});
