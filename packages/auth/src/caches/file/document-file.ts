import { join } from 'node:path';
import { systemClock, type Clock } from '../../clock.js';
import type { DocumentStore, StoredDocument } from '../../ports.js';
import { replaceUnderLock } from './replace-under-lock.js';
import { readAt, readPrivateFile } from './read-private-file.js';

/** What {@link createDocumentFile} needs. */
export type DocumentFileOptions = {
  /** Where the file is, as in `~/.config/kilometers`. Created with mode 700 where missing. */
  readonly folder: string;
  /** Default: the clock of this machine. */
  readonly clock?: Clock;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
};

const FILE = '.discovery';
/** The latest are kept, and the rest had again when they are needed. */
const MAX_DOCUMENTS = 32;

type Entries = Readonly<Record<string, StoredDocument>>;

function isDocument(value: unknown): value is StoredDocument {
  const { text, fetchedAtMs, freshUntilMs } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof text === 'string' && Number.isFinite(fetchedAtMs) && Number.isFinite(freshUntilMs);
}

/** What is in the file; nothing where it is missing, damaged, or not this user's alone. */
function readEntries(path: string): Entries {
  try {
    const text = readPrivateFile(
      path,
      () => undefined,
      (fd, { size }) => readAt(fd, 0, size).toString('utf8'),
    );
    const entries = JSON.parse(text ?? '{}') as Readonly<Record<string, unknown>>;
    return Object.fromEntries(
      Object.entries(entries).filter((entry): entry is [string, StoredDocument] => isDocument(entry[1])),
    );
  } catch {
    return {};
  }
}

/** Keeps public documents in a file of this user's, mode 600: who could write it could send logins elsewhere. */
export function createDocumentFile({
  folder,
  clock = systemClock,
  random,
}: DocumentFileOptions): DocumentStore {
  const path = join(folder, FILE);
  return {
    get: (url) => Promise.resolve().then(() => readEntries(path)[url]),
    set: (url, document) =>
      replaceUnderLock({ path, folder, name: 'discovery', clock, random }, () => {
        const others = Object.entries(readEntries(path)).filter(([known]) => known !== url);
        const latest = others.sort(([, one], [, other]) => other.fetchedAtMs - one.fetchedAtMs);
        return JSON.stringify(Object.fromEntries([[url, document], ...latest.slice(0, MAX_DOCUMENTS - 1)]));
      }),
  };
}
