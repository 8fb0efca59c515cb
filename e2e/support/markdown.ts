import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NOT_OURS = new Set(['node_modules', 'dist', 'build', 'coverage', '.git']);

/** A piece of a page between two fences. */
export type CodeBlock = { readonly language: string; readonly text: string };

function foldersFirst(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : foldersFirst(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** Every page of the repository, from its root. */
export const PAGES: readonly string[] = foldersFirst('');

function textOfPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** What stands between fences, in order. */
export function codeBlocks(page: string, language: string): readonly CodeBlock[] {
  const all = textOfPage(page).matchAll(/^```(\w*)\n([^]*?)^```$/gm);
  return [...all]
    .map(([, marked = '', text = '']) => ({ language: marked, text }))
    .filter((block) => block.language === language);
}

function prose(page: string): string {
  return textOfPage(page).replaceAll(/^```[^]*?^```$/gm, '');
}

/** Where a page leads to: as written, outside code. */
export function linksOf(page: string): readonly string[] {
  const text = prose(page).replaceAll(/`[^`\n]*`/g, 'code');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
}

/** The names that a link into this page may have: those it gives, and those of its headings, as GitHub makes them. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const given = [...prose(page).matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id);
  const anchors = new Set<string>(given);
  for (const [, heading = ''] of prose(page).matchAll(/^#+ (.*)$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const name = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
    let anchor = name;
    for (let copy = 1; anchors.has(anchor); copy += 1) anchor = `${name}-${copy}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The first cells, without marks, of all tables whose first column is headed `heading`. */
export function firstCells(page: string, heading: string): readonly string[] {
  const tables = textOfPage(page).matchAll(/^\| ([^|\n]+?) +\|[^\n]*\n\| -[^\n]*\n((?:\|[^\n]*\n)*)/gm);
  return [...tables]
    .filter(([, headed]) => headed === heading)
    .flatMap(([, , rows = '']) => [...rows.matchAll(/^\| ([^|\n]+?) +\|/gm)])
    .map(([, cell = '']) => cell.replaceAll('`', ''));
}
