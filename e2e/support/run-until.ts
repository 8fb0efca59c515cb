import { existsSync, readFileSync } from 'node:fs';
import type { RunningLocalApi } from '@kilometers/local-api';
import { storedEvents } from './api.js';
import { accountAt, startKm, type RunningKm } from './km.js';
import { until } from './until.js';

export type RunUntilOptions = {
  readonly env: Record<string, string>;
  readonly input: string | Uint8Array;
  /** What is waited for, for the failure. */
  readonly what: string;
  readonly isTime: (km: RunningKm) => boolean;
};

/**
 * Runs `km` with `input`, which ends no earlier than it `isTime`. For sessions of which something is expected that takes its
 * time: from their end on they have three seconds, and a busy machine may need more.
 */
export async function runUntil(
  args: readonly string[],
  { env, input, what, isTime }: RunUntilOptions,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const km = startKm(args, env);
  km.child.stdin.write(input);
  // One that ended too early is looked at by the test, like any other.
  await until(what, () => isTime(km) || km.child.exitCode !== null);
  km.child.stdin.end();
  const { code } = await km.ended;
  return { code, stdout: km.stdout().toString(), stderr: km.stderr() };
}

/** A session says what only a human can mend, and goes on. */
export const WHY_THEY_WAIT = {
  what: 'why events wait',
  isTime: (km: RunningKm) => km.stderr() !== '',
};

/** A session notes in its log, at `path`, why events could not be delivered: its reason is what `said` has. */
export const notedIn = (path: string, said: string) => ({
  what: `${said} in the log`,
  isTime: () => existsSync(path) && readFileSync(path, 'utf8').includes(said),
});

/** Runs `km` with `input`, which ends once the API has so many events in all. */
export function runUntilStored(
  args: readonly string[],
  count: number,
  options: {
    readonly api: Pick<RunningLocalApi, 'url' | 'store'>;
    readonly input: string | Uint8Array;
    readonly env?: Record<string, string>;
  },
) {
  const { api, input, env = accountAt(api.url) } = options;
  const isTime = () => storedEvents(api).length >= count;
  return runUntil(args, { env, input, what: `${count} events at the API`, isTime });
}
