import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningLocalApi } from '@kilometers/local-api';
import { storedEvents, textOf } from './api.js';
import { monitoring, startKm, type RunningKm } from './km.js';
import { ECHO } from './scripted-servers.js';

/** A client that sends numbered messages through `km monitor` to a server that says them back. */
export type NumberedSession = {
  readonly km: RunningKm;
  /** What its messages are called, so that they are told from those of others. */
  readonly name: string;
  /** When each message was back, on the test's monotonic clock, by its number. */
  readonly echoedAtMs: readonly number[];
  /** Sends so many messages, some at once, with so long before the next ones. */
  readonly send: (count: number, everyMs?: number, atOnce?: number) => Promise<void>;
  /** Ends the session and waits for it. */
  readonly end: () => Promise<void>;
};

/** Starts a session with these variables. */
export function startSession(env: Record<string, string>, name: string): NumberedSession {
  return sessionOf(startKm(monitoring(ECHO), env), name);
}

/** The session of a monitor that runs, whose server says back what it hears. */
export function sessionOf(km: RunningKm, name: string): NumberedSession {
  const echoedAtMs: number[] = [];
  const decoder = new StringDecoder();
  let rest = '';
  km.child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const _ of lines) echoedAtMs.push(performance.now());
  });
  let sent = 0;
  return {
    km,
    name,
    echoedAtMs,
    async send(count, everyMs = 0, atOnce = 1) {
      for (let n = 0; n < count; n += 1) {
        // Nobody hears the rest once it was killed.
        if (km.child.stdin.destroyed) return;
        km.child.stdin.write(`{"jsonrpc":"2.0","method":"${name}/${sent}"}\n`);
        sent += 1;
        if (everyMs > 0 && sent % atOnce === 0) await delay(everyMs);
      }
    },
    async end() {
      km.child.stdin.end();
      await km.ended;
    },
  };
}

/** The numbers of a session's messages that the API has, in its order, one direction. */
export function storedNumbers(
  api: Pick<RunningLocalApi, 'store'>,
  name: string,
  direction: 'inbound' | 'outbound' = 'outbound',
): readonly number[] {
  const method = `{"jsonrpc":"2.0","method":"${name}/`;
  return storedEvents(api)
    .filter((event) => event.direction === direction && textOf(event).startsWith(method))
    .map((event) => Number(textOf(event).slice(method.length, -2)));
}

/** 0, 1, 2 … as many. */
export function numbersTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, n) => n);
}
