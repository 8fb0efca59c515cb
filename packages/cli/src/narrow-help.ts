import type { HelpConfiguration } from 'commander';
import { fold } from './terminal/fold.js';

/** A description that has fewer columns than this beside its term stands under it. */
const NARROWEST_COLUMN = 32;

/** Help that can be read on a narrow terminal. */
export const NARROW_HELP: HelpConfiguration = {
  minWidthToWrap: 20,
  formatItem(term, termWidth, description, helper) {
    const width = helper.helpWidth ?? 80;
    if (description === '') return `  ${term}`;
    if (width - termWidth - 4 >= NARROWEST_COLUMN) {
      const [first = '', ...more] = fold(description, { width: width - termWidth - 4 });
      const indent = ' '.repeat(termWidth + 4);
      return [`  ${term.padEnd(termWidth)}  ${first}`, ...more.map((line) => indent + line)].join('\n');
    }
    return [`  ${term}`, ...fold(description, { width, indent: 6 })].join('\n');
  },
};
