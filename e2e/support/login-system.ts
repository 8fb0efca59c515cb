import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

/** Runs a command to its end; throws with what it said when it fails. */
export function run(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 30_000 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Whether this system can do what `command` tries. Says so, loudly, when it cannot. */
export function can(what: string, command: string, ...args: readonly string[]): boolean {
  const { status } = spawnSync(command, args, { timeout: 30_000 });
  if (status !== 0)
    console.warn(`!!!!!!!!  ${what} cannot be tried here: the test of it is SKIPPED.  !!!!!!!!`);
  return status === 0;
}

/** A file system of so many bytes at `folder`, until the test is over. */
export function mountSmall(folder: string, size: string): void {
  run('mount', '-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', folder);
  onTestFinished(() => {
    run('umount', '-l', folder);
  });
}
