import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folder.js';

const LIBRARY_FOLDER = '/usr/lib';

/**
 * What a program is to load to be given another time. Loaded by itself, and not by the `faketime` command: that one is another
 * process than the program, and starts nothing where a killed one with the same process id has left its semaphore.
 */
const LIBRARY = (existsSync(LIBRARY_FOLDER) ? readdirSync(LIBRARY_FOLDER) : [])
  .map((architecture) => join(LIBRARY_FOLDER, architecture, 'faketime', 'libfaketime.so.1'))
  .find((path) => existsSync(path));

/** Whether this system can give a program another time. Says so, loudly, when it cannot. */
export const CAN_FAKE_TIME = LIBRARY !== undefined;
if (!CAN_FAKE_TIME)
  console.warn('!!!!!!!!  No libfaketime: what is tried with a wrong clock is SKIPPED.  !!!!!!!!');

/**
 * A wall clock that can be set: what makes programs have it, and what sets it, as in `+1h`. It starts `offset` from the
 * right time.
 */
export function settableClock(offset = '+0') {
  const file = join(temporaryFolder(), 'clock');
  const setTo = (to: string): void => {
    // As one step: it is read all the time.
    writeFileSync(`${file}.new`, `${to}\n`);
    renameSync(`${file}.new`, file);
  };
  setTo(offset);
  const variables = {
    LD_PRELOAD: LIBRARY ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // When a clock is set, files and the time since the start stay what they are.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
  return { setTo, variables };
}
