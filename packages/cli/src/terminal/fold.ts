import type { Writable } from 'node:stream';
import { isTerminal, widthOf } from './terminal.js';

/** How a text is folded. */
export type FoldOptions = {
  /** The most columns of a line. */
  readonly width: number;
  /** Columns before the first line, and before each one that follows it. Default 0, and as the first. */
  readonly indent?: number;
  readonly hanging?: number;
};

/** A text in lines of at most `width` columns; a word that is longer stays whole, so that it can be copied. */
export function fold(text: string, { width, indent = 0, hanging = indent }: FoldOptions): readonly string[] {
  const lines: string[] = [];
  let line = '';
  let isEmpty = true;
  const begin = (): void => {
    line = ' '.repeat(lines.length === 0 ? indent : hanging);
    isEmpty = true;
  };
  begin();
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      begin();
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

/**
 * What `km` says, as it is written to `stream`: sentences and questions are folded where that is a terminal they are too
 * wide for. Lines that begin with a space are to be copied, or are folded already.
 */
export function foldedFor(stream: Writable, text: string): string {
  const width = widthOf(stream);
  if (!isTerminal(stream) || text.length <= width || /^\s|\p{Cc}/u.test(text)) return text;
  const end = text.slice(text.trimEnd().length);
  return fold(text, { width, hanging: 4 }).join('\n') + end;
}
