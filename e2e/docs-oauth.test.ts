import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runKm } from './support/km.js';
import { codeBlocks, PAGES } from './support/markdown.js';

const OF_OAUTH = PAGES.filter(
  (page) => /^docs\/oauth[a-z0-9-]*\.md$/.test(page) && codeBlocks(page, 'console').length > 0,
);

/** The commands that a page shows: all of them speak to servers that a test has not. */
function commandsOf(page: string): readonly string[] {
  return codeBlocks(page, 'console').flatMap(({ text }) =>
    [...text.matchAll(/^\$ km (.*?)(?: {2,}#.*| < \S+)?$/gm)].map(([, words = '']) => words),
  );
}

test.each(OF_OAUTH)('the commands in %s have flags that there are', async (page) => {
  const commands = commandsOf(page);
  expect(commands).not.toEqual([]);
  for (const command of commands) {
    const words = command.split(' ').slice(0, 2);
    const { stdout: help } = await runKm([...words, '--help']);
    for (const [flag] of command.matchAll(/--[a-z-]+/g)) expect(help, command).toContain(`${flag} `);
  }
});

test('docs/oauth.md has every flag of km auth login that is for other issuers, and no other', async () => {
  const { stdout } = await runKm(['auth', 'login', '--help']);
  const [, group = ''] = /Any OAuth 2\.0 or OpenID provider[^\n]*\n([^]*?)\n\n/.exec(stdout) ?? [];
  const flags = [...group.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
  expect(flags.length).toBeGreaterThan(10);
  const page = readFileSync(fileURLToPath(new URL('../docs/oauth.md', import.meta.url)), 'utf8');
  for (const flag of flags) expect(page).toMatch(new RegExp(`\`${flag}[ \`]`));
});
