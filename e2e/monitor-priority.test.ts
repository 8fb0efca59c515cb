import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { environment, KM, monitoring, start } from './support/km.js';
import { ECHO } from './support/scripted-servers.js';
import { until } from './support/until.js';

/** How far each thread of a process stands back, by thread id. */
function nicenessOf(pid: number): Map<number, number> {
  const threads = new Map<number, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readStat(`/proc/${pid}/task/${thread}/stat`);
    // After the name, which may have spaces in it: the state is the first field, the niceness the 17th.
    if (stat !== undefined)
      threads.set(Number(thread), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]));
  }
  return threads;
}

/** `undefined` of a thread that has ended since it was listed. */
function readStat(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

test.each([0, 5, 19])(
  'what looks at the traffic stands back for what passes it on, with all that collects its garbage, from niceness %i',
  async (niceness) => {
    const command = [process.execPath, KM, ...monitoring(ECHO, '--local')];
    const km = start('nice', ['-n', String(niceness), ...command], environment());
    const { pid = 0 } = km.child;
    const others = () => [...nicenessOf(pid)].filter(([thread]) => thread !== pid).map(([, nice]) => nice);
    const own = () => nicenessOf(pid).get(pid) ?? 0;
    const stepsBack = () => Math.min(own() + 3, 19);
    await until(
      'the others to stand back',
      () => others().length > 4 && others().every((nice) => nice === stepsBack()),
    );
    expect(own()).toBe(Math.min(getPriority() + niceness, 19));
    km.child.stdin.end();
    expect(await km.ended).toEqual({ code: 0, signal: null });
  },
);
