import { spawn } from 'node:child_process';
import { systemProgram } from './windows-command.js';

/** Starts a program that nobody waits for; `onFailure` where it does not start. */
export type Runner = (file: string, args: readonly string[], onFailure: () => void) => void;

/**
 * What comes nearest to a signal for a process and all it started, on Windows, which has neither signals nor groups of
 * processes that get them: whatever means the end ends them. Of Ctrl-C the console has told them.
 */
export function signalTree(
  pid: number,
  signal: NodeJS.Signals | 0,
  { environment, run = runHidden }: { readonly environment: NodeJS.ProcessEnv; readonly run?: Runner },
): void {
  if (signal === 0 || signal === 'SIGINT') return;
  // Without /f only those with a window hear of it, and servers have none.
  run(systemProgram('taskkill.exe', environment), ['/pid', String(pid), '/t', '/f'], () => endAlone(pid));
}

function endAlone(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

const runHidden: Runner = (file, args, onFailure) => {
  spawn(file, args, { stdio: 'ignore', windowsHide: true }).on('error', onFailure).unref();
};
