import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until } from './until.js';

/** An empty folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'km-e2e-'));
  onTestFinished(() => remove(folder));
  return folder;
}

/** A process that refreshes apart may still write down how it went, and outlive its test by that. */
async function remove(folder: string): Promise<void> {
  await until('nobody writes there any more', () =>
    rm(folder, { recursive: true, force: true }).then(
      () => true,
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
        return false;
      },
    ),
  );
}
