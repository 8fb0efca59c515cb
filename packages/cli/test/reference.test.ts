import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { commandEntry, commandTree } from '../src/reference/command-tree.js';
import { manPage } from '../src/reference/man-page.js';
import { MAN_SECTIONS } from '../src/reference/man-sections.js';
import { helpPages, programOfTests } from './support/help-pages.js';

/** The first cells of the tables of a page whose first column is headed `heading`. */
function firstCells(page: string, heading: string): string {
  const text = readFileSync(new URL(`../../../${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(new RegExp(`^\\| ${heading} +\\|.*\\n((?:\\|.*\\n)+)`, 'gm'))]
    .flatMap(([, rows = '']) => rows.split('\n').map((row) => row.split('|')[1] ?? ''))
    .join('\n');
}

const COMMANDS = commandTree(programOfTests());

test('docs/cli.md is what every --help prints', async () => {
  await expect(helpPages()).toMatchFileSnapshot('../../../docs/cli.md');
});

test('every help has an example', () => {
  const examples = helpPages().match(/^Example:\n {2}\$ \S/gm);
  expect(examples).toHaveLength(COMMANDS.length);
});

test('every command and flag says what it is', () => {
  for (const command of COMMANDS) {
    const { name, description, args, options } = commandEntry(command);
    for (const entry of [{ term: name, description }, ...args, ...options])
      expect(entry.description, `${name} ${entry.term}`).not.toBe('');
  }
});

describe('the man page', () => {
  const page = manPage(programOfTests(), { version: '1.2.3', sections: MAN_SECTIONS });
  const hasMandoc = spawnSync('mandoc', ['-Tlint'], { input: '' }).error === undefined;

  test('has every command and every flag', () => {
    for (const { name, options } of COMMANDS.slice(1).map(commandEntry)) {
      expect(page).toContain(`.SS "${name}"`);
      for (const { term } of options) expect(page).toContain(`.B "${term.replaceAll('-', '\\-')}"`);
    }
  });

  /** The terms of a section. */
  const termsOf = (title: string): string =>
    (MAN_SECTIONS.find((section) => section.title === title)?.entries ?? [])
      .map(({ term }) => term)
      .join('\n');
  const found = (text: string, form: RegExp): readonly string[] => [...new Set(text.match(form))].sort();

  test('has the environment variables of docs/configuration.md but those that are of no use to anybody', () => {
    const NO_USE = ['HTTP_PROXY', 'KM_MONITOR_DEPTH', 'KM_REFRESH_APART'];
    const documented = found(firstCells('docs/configuration.md', 'variable'), /[A-Z][A-Z_]+/g);
    expect(documented.length).toBeGreaterThan(20);
    expect(found(termsOf('ENVIRONMENT'), /[A-Z][A-Z_]+/g)).toEqual(
      documented.filter((name) => !NO_USE.includes(name)),
    );
  });

  test('has the exit codes of the README', () => {
    const documented = found(firstCells('packages/cli/README.md', 'code'), /\d+/g);
    expect(documented.length).toBeGreaterThan(5);
    expect(found(termsOf('"EXIT STATUS"'), /\d+/g)).toEqual(documented);
  });

  test.skipIf(!hasMandoc)('is one that man can show', () => {
    const lint = spawnSync('mandoc', ['-Tlint', '-Werror'], { input: page, encoding: 'utf8' });
    expect(lint.stdout).toBe('');
    expect(lint.status).toBe(0);
    const shown = spawnSync('mandoc', ['-Tascii'], { input: page, encoding: 'utf8' }).stdout;
    // What is bold is struck twice.
    const text = shown.replaceAll(/.[\b]/g, '');
    expect(text).toContain('km auth token [options] [action]');
    expect(text).toMatch(/^ {7}75 +Try again later: the service cannot be reached\.$/m);
  });
});
