import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Clock } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import type { AccountFlags } from '../settings.js';
import { IS_APART, type ApartFor } from './is-apart.js';

export type RefreshApartOptions = {
  readonly scope: string;
  /** How long the token must be good for, in milliseconds. */
  readonly minValidMs: number;
  readonly flags: AccountFlags;
  /** How long its end is waited for, in milliseconds. */
  readonly deadlineMs: number;
  readonly apartFor: ApartFor;
};

/**
 * Refreshes in a process of its own, and waits for it for a while. A refresh that was sent must be waited for, however
 * long that takes, or the login may be lost; who only wants the token that is at hand must not wait for it, and who may be
 * killed cannot.
 *
 * @returns its exit code; `undefined` where it was killed, could not be started, or goes on.
 */
export function refreshApart(
  { scope, minValidMs, flags: { profile, endpoint }, deadlineMs, apartFor }: RefreshApartOptions,
  { bundleFolder, clock, environment, stderr }: CommandContext,
): Promise<number | undefined> {
  const args = [
    ...['auth', 'token', '--scope', scope, '--min-valid', `${String(minValidMs)}ms`],
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...(endpoint === undefined ? [] : ['--endpoint', endpoint]),
  ];
  // Where this process has no file descriptor left it gets no pipe, and is told of that later.
  const child: ChildProcess = spawn(process.execPath, [join(bundleFolder, 'main.cjs'), ...args], {
    // With a process group of its own it is not reached by a Ctrl-C that is meant for this one, nor by who kills that group.
    detached: true,
    windowsHide: true,
    // A pipe, not ours: whoever reads our stderr to its end waits for us, and not for it.
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...environment, [IS_APART]: apartFor },
  });
  const closed = untilClosed(child, clock, deadlineMs);
  child.stderr?.on('data', (chunk: Buffer) => stderr().write(chunk));
  return closed.finally(() => {
    child.stderr?.destroy();
    child.unref();
  });
}

function untilClosed(child: ChildProcess, clock: Clock, deadlineMs: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const finish = (exitCode?: number | null): void => {
      cancel();
      resolve(exitCode ?? undefined);
    };
    const cancel = clock.schedule(finish, deadlineMs, true);
    child.once('close', finish);
    child.once('error', () => finish());
  });
}
