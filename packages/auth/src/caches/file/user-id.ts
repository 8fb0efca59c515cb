/** Who we are to the file system: the user id, or `undefined` where there are none (Windows). */
export const userId = process.getuid?.();
