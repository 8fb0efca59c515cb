import { rename, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/*
 * What is noted of a segment or prelude, beside it, as `TIME-CHANCE.NOTE`:
 *
 *   position  up to where a segment is delivered
 *   made      how much of a prelude events were made of
 *   grace     that it seemed too old, and was given time to be delivered all the same
 *
 * A note is tiny, and goes with what it tells of.
 */
const NOTES = ['position', 'made', 'grace'] as const;

/** A segment or prelude, in whichever state. */
export type Noted = { readonly folder: string; readonly name: string };

export function notedOf(path: string): Noted {
  return { folder: dirname(path), name: basename(path).split('.')[0] ?? '' };
}

export function notePath({ folder, name }: Noted, note: (typeof NOTES)[number]): string {
  return join(folder, `${name}.${note}`);
}

/** Whether a file only says something of another one. */
export function isNote(fileName: string): boolean {
  return NOTES.some((note) => fileName.endsWith(`.${note}`));
}

/** Notes that it had its grace. Never fails: where nothing can be noted it has it again. */
export async function noteGrace(noted: Noted): Promise<void> {
  await writeFile(notePath(noted, 'grace'), '', { mode: 0o600 }).catch(() => undefined);
}

export function hadGrace(noted: Noted): Promise<boolean> {
  return isThere(notePath(noted, 'grace'));
}

/** What may be noted of is in one of these, the later ones after the earlier ones. */
const STATES = ['open', 'closed', 'prelude', 'open.given-up', 'closed.given-up', 'prelude.given-up'];

/** Removes a note, where what it tells of is gone: a process may be killed between the two. */
export async function removeLoneNote(path: string): Promise<void> {
  const { folder, name } = notedOf(path);
  for (const state of STATES) if (await isThere(join(folder, `${name}.${state}`))) return;
  await unlink(path).catch(() => undefined);
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

export async function removeNotes(noted: Noted): Promise<void> {
  for (const note of NOTES) await unlink(notePath(noted, note)).catch(() => undefined);
}

/** Before what they tell of is moved there, so that it is never without them. */
export async function moveNotes(noted: Noted, folder: string): Promise<void> {
  for (const note of NOTES) {
    await rename(notePath(noted, note), notePath({ ...noted, folder }, note)).catch(() => undefined);
  }
}
