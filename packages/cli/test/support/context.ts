import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@kilometers/auth';
import { onTestFinished } from 'vitest';
import type { CommandContext } from '../../src/command-context.js';

/** An empty folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'km-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }));
  return folder;
}

/** What a command gets whose user has `environment`; what it tells is in `told`. */
export function contextWith(
  environment: Readonly<Record<string, string>>,
  changes: Partial<CommandContext> = {},
): CommandContext & { readonly told: readonly string[] } {
  const told: string[] = [];
  const unused = (): never => {
    throw new Error('this command should not need it');
  };
  return {
    version: '0.0.0',
    commandName: () => 'test',
    bundleFolder: '/nowhere',
    environment,
    isDebug: false,
    clock: systemClock,
    random: () => 0.5,
    createId: () => '00000000-0000-4000-8000-000000000000',
    stdin: unused,
    stdout: unused,
    stderr: unused,
    screen: () => undefined,
    answer: unused,
    tell: (line) => told.push(line),
    prompt: unused,
    onExit: unused,
    fetch: unused,
    agent: undefined,
    process: { exit: unused, on: unused, off: unused, kill: unused } as unknown as CommandContext['process'],
    onSignal: unused,
    ...changes,
    told,
  };
}
