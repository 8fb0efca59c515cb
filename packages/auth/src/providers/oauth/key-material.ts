import { readFile } from 'node:fs/promises';
import { AuthError } from '../../auth-error.js';

/** What is wrong with a file, without what is in it. */
export function fileError(what: string, path: string, why: string, cause?: unknown): AuthError {
  return new AuthError('KM_AUTH_CONFIGURATION', `the ${what} ${path} cannot be used: ${why}`, { cause });
}

/**
 * Reads a file with a key or a certificate.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION` when it cannot be read.
 */
export async function readKeyMaterial(what: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'it cannot be read';
    const why = code === 'ENOENT' ? 'there is no such file' : `${code}; check the path and its permissions`;
    throw fileError(what, path, why, error);
  }
}
