import { closeSync, openSync, readSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { findProgram, type Place } from './absolute-words.js';

/** Where every client looks for programs, however it was started. */
const EVERYWHERE: ReadonlySet<string> = new Set(['/usr/bin', '/bin']);
const USUAL = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];
/** As much of a file as Linux looks at, in bytes. */
const HEAD_BYTES = 256;
/** `#!/usr/bin/env node`, also with `-S` and with variables before the name. */
const BY_ENV = /^#!\s*\S*\/env\s+(?:-S\s*|-\S+\s+|\w+=\S*\s+)*([^\s=/]+)(?=\s|$)/;

/** What a program needs besides its own whole path, to start where `PATH` is not that of a terminal. */
export type ScriptPath = {
  /** The name of what runs it. */
  readonly interpreter: string;
  /** A `PATH` in which that is found. */
  readonly path: string;
};

/**
 * A `PATH` for a script that leaves to `env` what it is run with, as `npx` does; `undefined` for any other program, and where
 * that is found everywhere, or nowhere.
 *
 * @param program its whole path.
 */
export function scriptPath(program: string, place: Place): ScriptPath | undefined {
  if (place.platform === 'win32') return undefined;
  const interpreter = BY_ENV.exec(headOf(program))?.[1];
  const found = interpreter === undefined ? undefined : findProgram(interpreter, place);
  if (interpreter === undefined || found === undefined) return undefined;
  const folder = dirname(found);
  if (EVERYWHERE.has(folder)) return undefined;
  return { interpreter, path: [...new Set([folder, ...USUAL])].join(delimiter) };
}

function headOf(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      return head.toString('latin1', 0, readSync(file, head)).split('\n')[0] ?? '';
    } finally {
      closeSync(file);
    }
  } catch {
    // It is not there, or a folder.
    return '';
  }
}
