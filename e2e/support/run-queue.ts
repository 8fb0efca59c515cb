import { readdirSync, readFileSync } from 'node:fs';

/** For how long the threads of a process were ready to run and had no processor so far, in milliseconds. */
export function waitedForProcessorMs(pid: number): number {
  try {
    const waits = readdirSync(`/proc/${pid}/task`).map((thread) => {
      const [, waitedNs = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
      return Number(waitedNs) / 1e6;
    });
    return waits.reduce((sum, wait) => sum + wait, 0);
  } catch {
    return 0;
  }
}
