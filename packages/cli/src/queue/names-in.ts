import { readdir } from 'node:fs/promises';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';

/** Nothing is there, or was ever. */
const MISSING: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR']);

/**
 * Names of what is in a folder of the queue, in order; none where it is not there.
 *
 * @throws {CliError} where it cannot be read: what is in it may be older than anything else.
 */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (MISSING.has(code)) return [];
    throw new CliError(`the queue cannot be read: ${message}; see that this user may read that folder`, {
      exitCode: EXIT.failed,
      cause,
    });
  }
}
