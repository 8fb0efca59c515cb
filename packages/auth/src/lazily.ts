import { AuthError } from './auth-error.js';

/** Makes something once, when it is first needed; again where that failed. */
export function madeOnce<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/**
 * Loads a part of the library once, when it is first needed.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION`, from what is returned, when the files are not there any more.
 */
export function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  return madeOnce(() =>
    load().catch((cause: unknown) => {
      throw new AuthError(
        'KM_AUTH_CONFIGURATION',
        'a part of @kilometers/auth cannot be loaded: its files were replaced or removed while this program runs; start the program again',
        { cause },
      );
    }),
  );
}
