import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { anchorsOf, codeBlocks, linksOf, PAGES } from './support/markdown.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Why a link of this page leads nowhere; nothing where it leads somewhere. */
function flawOf(page: string, link: string): string | undefined {
  if (/^(https:\/\/|mailto:)/.test(link)) return URL.canParse(link) ? undefined : `${link} is no URL`;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : normalize(join(dirname(page), decodeURIComponent(path)));
  const place = join(ROOT, target);
  if (!existsSync(place)) return `${link} leads to ${target}, which is not there`;
  if (anchor === undefined || statSync(place).isDirectory()) return undefined;
  return anchorsOf(target).has(anchor) ? undefined : `${target} has no heading for ${link}`;
}

test.each(PAGES)('every link of %s leads somewhere', (page) => {
  const flaws = linksOf(page).map((link) => flawOf(page, link));
  expect(flaws.filter((flaw) => flaw !== undefined)).toEqual([]);
});

/** Blocks with something in them: templates leave it to others. */
function jsonOf(page: string): readonly string[] {
  return codeBlocks(page, 'json')
    .map(({ text }) => text)
    .filter((text) => text.trim() !== '');
}

test.each(PAGES.filter((page) => jsonOf(page).length > 0))('the JSON in %s is JSON', (page) => {
  for (const text of jsonOf(page)) expect(() => JSON.parse(text) as unknown).not.toThrow();
});
