import { loadWriting } from './writing.js';

/**
 * Creates a folder that only its user can enter, where it is missing; one that others can enter is narrowed.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be made, or belongs to another user.
 */
export async function makePrivateFolder(path: string): Promise<void> {
  const writing = await loadWriting();
  await writing.makePrivateFolder(path);
}
