import type { RunningKm } from './km.js';
import { isRunning, until } from './until.js';

/** The process ids that a server under the monitor says first. */
export async function serverPids(km: RunningKm): Promise<number[]> {
  await until('the server to say its process id', () => km.stdout().includes('\n'));
  return km.stdout().toString().split('\n', 1)[0]!.split(' ').map(Number);
}

export async function expectGone(pids: readonly number[]): Promise<void> {
  await until(`the end of ${pids.join(' and ')}`, () => !pids.some(isRunning));
}
