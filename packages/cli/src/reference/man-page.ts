import type { Command } from 'commander';
import { commandEntry, commandTree, type CommandEntry, type Entry } from './command-tree.js';

/** Where a man page is from. */
export type ManPageSource = { readonly version: string; readonly sections: readonly ManSection[] };

/** A section that is no command. */
export type ManSection = { readonly title: string; readonly entries: readonly Entry[] };

/** As `man` wants a text: what would be a command of its own is none. */
function escaped(text: string): string {
  return text
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}

/** The words of a macro's argument. */
function argument(text: string): string {
  return `"${escaped(text).replace(/"/g, '\\(dq')}"`;
}

function entryLines({ term, description }: Entry): readonly string[] {
  return ['.TP', `.B ${argument(term)}`, escaped(sentence(description))];
}

function sentence(text: string): string {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?)]$/.test(first) ? first : `${first}.`;
}

function commandLines({ name, usage, description, args, options }: CommandEntry): readonly string[] {
  return [
    `.SS ${argument(name)}`,
    `.B ${argument(usage)}`,
    '.PP',
    escaped(sentence(description)),
    ...[...args, ...options].flatMap(entryLines),
  ];
}

/**
 * The man page of `program`, from the definitions that its help is from.
 *
 * @see {@link https://mandoc.bsd.lv/man/man.7.html | man(7)}
 */
export function manPage(program: Command, { version, sections }: ManPageSource): string {
  const [root, ...commands] = commandTree(program).map(commandEntry);
  if (root === undefined) throw new Error('there is no command');
  return `${[
    `.TH KM 1 "" "km ${escaped(version)}"`,
    '.SH NAME',
    `km \\- ${escaped('log in once; every process gets a valid token')}`,
    '.SH SYNOPSIS',
    '.B km',
    escaped('COMMAND [OPTION...]'),
    '.SH DESCRIPTION',
    escaped(root.description),
    '.PP',
    escaped('Answers are on standard output, and all talk on standard error.'),
    '.B \\-\\-help',
    escaped('after any command shows its options with an example.'),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    ...sections.flatMap(({ title, entries }) => [`.SH ${title}`, ...entries.flatMap(entryLines)]),
  ].join('\n')}\n`;
}
