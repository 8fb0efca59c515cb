import { fstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HelpTexts } from './help-texts.js';
import { answerOrFail } from './write-at-once.js';

const STDOUT = 1;

/**
 * `km … --help` where it goes to a file or a pipe, from the texts that were made when `km` was built: without the rest
 * of `km`. Returns whether that was all; where it was not, nothing has been printed.
 *
 * @param words what follows `km`.
 * @param texts by command, as the build left them.
 */
export function answerHelp(words: readonly string[], texts: HelpTexts = builtTexts()): boolean {
  const asked = words.at(-1);
  const names = words.slice(0, -1);
  const command = names.join(' ');
  const isCommand = Object.hasOwn(texts, command) && !names.some((name) => name.includes(' '));
  // At a terminal the lines are as wide as it is.
  if ((asked !== '--help' && asked !== '-h') || !isCommand || isTerminal()) return false;
  void answerOrFail(texts[command] ?? '', process);
  return true;
}

function builtTexts(): HelpTexts {
  return JSON.parse(readFileSync(join(__dirname, 'help.json'), 'utf8')) as HelpTexts;
}

/** Or something that cannot be told from one. */
function isTerminal(): boolean {
  try {
    return fstatSync(STDOUT).isCharacterDevice();
  } catch {
    return true;
  }
}
