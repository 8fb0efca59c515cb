import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { monitoring, startKm } from './support/km.js';
import { ECHO } from './support/scripted-servers.js';
import { until } from './support/until.js';

/** How far each thread of a process stands back, by thread id. */
function nicenessOf(pid: number): Map<number, number> {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    // After the name, which may have spaces in it: the state is the first field, the niceness the 17th.
    return [Number(thread), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])] as const;
  });
  return new Map(threads);
}

test('what looks at the traffic stands back for what passes it on, with all that collects its garbage', async () => {
  const km = startKm(monitoring(ECHO, '--local'));
  const { pid = 0 } = km.child;
  const others = () => [...nicenessOf(pid)].filter(([thread]) => thread !== pid).map(([, nice]) => nice);
  await until('the others to stand back', () => others().length > 1 && others().every((nice) => nice > 0));
  expect(nicenessOf(pid).get(pid)).toBe(0);
  km.child.stdin.end();
  expect(await km.ended).toEqual({ code: 0, signal: null });
});
