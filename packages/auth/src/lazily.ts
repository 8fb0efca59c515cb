import { AuthError } from './auth-error.js';

/**
 * Loads a part of the library once, when it is first needed.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION`, from what is returned, when the files are not there any more.
 */
export function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((cause: unknown) => {
      loaded = undefined;
      throw new AuthError(
        'KM_AUTH_CONFIGURATION',
        'a part of @kilometers/auth cannot be loaded: its files were replaced or removed while this program runs; start the program again',
        { cause },
      );
    });
    return loaded;
  };
}
