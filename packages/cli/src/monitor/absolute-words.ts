import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** Where words are read: in a terminal, as a client is not. */
export type Place = {
  /** Where relative paths begin. */
  readonly folder: string;
  /** The terminal's `PATH`. */
  readonly path: string;
  readonly platform: NodeJS.Platform;
};

/** A server's command as it means the same elsewhere, and the words of it that were changed. */
export type AbsoluteWords = {
  readonly words: readonly [string, ...string[]];
  readonly changed: readonly string[];
};

/**
 * The command with whole paths: the program that `PATH` finds, and arguments that name a file which is there. A folder is
 * taken for one only where it is written as a path (`./data`): `build` may be a word. Others are left as they are.
 */
export function absoluteWords(
  [program, ...args]: readonly [string, ...string[]],
  place: Place,
): AbsoluteWords {
  const words: [string, ...string[]] = [
    programIn(program, place),
    ...args.map((word) => argumentIn(word, place.folder)),
  ];
  return { words, changed: [program, ...args].filter((word, index) => word !== words[index]) };
}

/** On Windows a name stands for a program with another ending, which is found as it is run. */
function programIn(name: string, place: Place): string {
  if (name.includes('/')) return resolve(place.folder, name);
  if (place.platform === 'win32') return name;
  return findProgram(name, place) ?? name;
}

/** The whole path of the program that `PATH` finds. */
export function findProgram(
  name: string,
  { folder, path }: Pick<Place, 'folder' | 'path'>,
): string | undefined {
  return path
    .split(delimiter)
    .map((part) => resolve(folder, part, name))
    .find(isProgram);
}

function argumentIn(word: string, folder: string): string {
  if (word.startsWith('-') || isAbsolute(word)) return word;
  const path = join(folder, word);
  const isNamedAsPath = /^[.]{1,2}([/\\]|$)/.test(word);
  const stats = statsOf(path);
  return stats?.isFile() === true || (isNamedAsPath && stats !== undefined) ? path : word;
}

function statsOf(path: string) {
  try {
    return statSync(path);
  } catch {
    // Mostly it is no path at all.
    return undefined;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
