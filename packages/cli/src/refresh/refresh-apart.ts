import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Clock } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import type { AccountFlags } from '../settings.js';

export type RefreshApartOptions = {
  readonly scope: string;
  readonly flags: AccountFlags;
  readonly environment: NodeJS.ProcessEnv;
  /** How long its end is waited for, in milliseconds. */
  readonly deadlineMs: number;
};

/**
 * Refreshes in a process of its own, and waits for it for a while. A refresh that was sent must be waited for, however
 * long that takes, or the login may be lost; who only wants the token that is at hand must not wait for it.
 */
export function refreshApart(
  { scope, flags: { profile, endpoint }, environment, deadlineMs }: RefreshApartOptions,
  { bundleFolder, clock, stderr }: CommandContext,
): Promise<void> {
  const args = [
    ...['auth', 'token', '--scope', scope],
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...(endpoint === undefined ? [] : ['--endpoint', endpoint]),
  ];
  // Where this process has no file descriptor left it gets no pipe, and is told of that later.
  const child: ChildProcess = spawn(process.execPath, [join(bundleFolder, 'main.cjs'), ...args], {
    // With a process group of its own it is not reached by a Ctrl-C that is meant for this one.
    detached: true,
    windowsHide: true,
    // A pipe, not ours: whoever reads our stderr to its end waits for us, and not for it.
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environment,
  });
  const closed = untilClosed(child, clock, deadlineMs);
  child.stderr?.on('data', (chunk: Buffer) => stderr().write(chunk));
  return closed.finally(() => {
    child.stderr?.destroy();
    child.unref();
  });
}

function untilClosed(child: ChildProcess, clock: Clock, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.schedule(resolve, deadlineMs, true);
    const finish = (): void => {
      cancel();
      resolve();
    };
    child.once('close', finish);
    child.once('error', finish);
  });
}
