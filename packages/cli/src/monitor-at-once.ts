import { join } from 'node:path';
import { runMonitor } from './commands/monitor.js';
import type { MonitorFlags } from './monitor/monitor-flags.js';
import { givenValues, plainFlags } from './plain-flags.js';
import { runInProcess } from './process-context.js';

export { runMonitor };

const VALUED = ['profile', 'endpoint', 'log'] as const;

type MonitorCall = { readonly command: readonly [string, ...string[]]; readonly flags: MonitorFlags };

/**
 * `km monitor` with plain flags and `--` before the server, as clients start it: without the parser of all of `km`, for
 * which the server, and the client, would wait. Returns whether it runs; where it does not, nothing has been done.
 *
 * @param words what follows `km monitor`.
 */
export function monitorAtOnce(words: readonly string[]): boolean {
  const call = plainMonitorCall(words);
  if (call === undefined) return false;
  runInProcess(
    (context) => runMonitor(call.command, call.flags, { ...context, commandName: () => 'monitor' }),
    join(__dirname, '..'),
  );
  return true;
}

/** The server in `words`, and the flags before it, where they are plain; `undefined` otherwise: see {@link plainFlags}. */
export function plainMonitorCall(words: readonly string[]): MonitorCall | undefined {
  const at = words.indexOf('--');
  const [file = '', ...args] = at === -1 ? [] : words.slice(at + 1);
  const given = plainFlags(words.slice(0, Math.max(0, at)), {
    valued: VALUED,
    switches: ['server', 'verbose', 'summary', 'local', 'pass-env'],
  });
  if (file === '' || given === undefined) return undefined;
  return {
    command: [file, ...args],
    flags: {
      verbose: given.has('verbose'),
      summary: given.has('summary'),
      local: given.has('local'),
      passEnv: given.has('pass-env'),
      ...givenValues(given, VALUED),
    },
  };
}
