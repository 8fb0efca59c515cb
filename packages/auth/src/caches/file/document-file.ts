import { constants, lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AuthError } from '../../auth-error.js';
import { systemClock, type Clock } from '../../clock.js';
import type { DocumentStore, StoredDocument } from '../../ports.js';
import { replaceUnderLock } from './replace-under-lock.js';
import { readAt, readPrivateFile } from './read-private-file.js';
import { userId } from './user-id.js';

/** What {@link createDocumentFile} needs. */
export type DocumentFileOptions = {
  /** Where the file is, as in `~/.config/kilometers`. Created with mode 700 where missing. */
  readonly folder: string;
  /** Default: the clock of this machine. */
  readonly clock?: Clock;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Is told, once, what is amiss with the file, and that it is not used. */
  readonly onNotice?: (message: string) => void;
};

const FILE = '.discovery';
/** The latest are kept, and the rest had again when they are needed. */
const MAX_DOCUMENTS = 32;

type Entries = Readonly<Record<string, StoredDocument>>;

function isDocument(value: unknown): value is StoredDocument {
  const { text, fetchedAtMs, freshUntilMs } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof text === 'string' && Number.isFinite(fetchedAtMs) && Number.isFinite(freshUntilMs);
}

/**
 * Removes a file that others could have changed: to narrow it, as a sealed one, would make it look like one to be trusted.
 * Returns whether that is so.
 */
function isUntrusted(path: string, onNotice: (message: string) => void): boolean {
  const mode = lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  // A link has a mode of its own, and is refused as one.
  if (userId === undefined || (mode & 0o077) === 0 || (mode & constants.S_IFMT) === constants.S_IFLNK)
    return false;
  rmSync(path, { force: true });
  const shown = (mode & 0o777).toString(8);
  onNotice(`${path} could be got at by other users (mode ${shown}): it is not used, and was removed`);
  return true;
}

/** What is in the file; nothing where it is missing, damaged, or not this user's alone. */
function readEntries(path: string, onNotice: (message: string) => void): Entries {
  try {
    if (isUntrusted(path, onNotice)) return {};
    const text = readPrivateFile(path, onNotice, (fd, { size }) => readAt(fd, 0, size).toString('utf8'));
    const entries = JSON.parse(text ?? '{}') as Readonly<Record<string, unknown>>;
    return Object.fromEntries(
      Object.entries(entries).filter((entry): entry is [string, StoredDocument] => isDocument(entry[1])),
    );
  } catch (error) {
    // One that is damaged is had again without a word.
    if (error instanceof AuthError) onNotice(error.message);
    return {};
  }
}

/**
 * Keeps public documents in a file of this user's, mode 600: who could write it could send logins elsewhere. One that is
 * another's, or that others could have written, is not used.
 */
export function createDocumentFile({
  folder,
  clock = systemClock,
  random,
  onNotice = () => undefined,
}: DocumentFileOptions): DocumentStore {
  const path = join(folder, FILE);
  const told = new Set<string>();
  const tell = (message: string): void => {
    if (told.has(message)) return;
    told.add(message);
    onNotice(message);
  };
  return {
    get: (url) => Promise.resolve().then(() => readEntries(path, tell)[url]),
    set: (url, document) =>
      replaceUnderLock({ path, folder, name: 'discovery', clock, random, onRepair: tell }, () => {
        const others = Object.entries(readEntries(path, tell)).filter(([known]) => known !== url);
        const latest = others.sort(([, one], [, other]) => other.fetchedAtMs - one.fetchedAtMs);
        return JSON.stringify(Object.fromEntries([[url, document], ...latest.slice(0, MAX_DOCUMENTS - 1)]));
      }),
  };
}
