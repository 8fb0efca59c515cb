import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { pathWithKm } from './support/command-folder.js';
import { temporaryFolder } from './support/folder.js';
import { environment, runKm, start } from './support/km.js';
import { run } from './support/login-system.js';
import { codeBlocks, PAGES } from './support/markdown.js';
import { until } from './support/until.js';

/** The lines that a page shows for servers that a test has not. */
function linesOf(page: string): readonly string[] {
  return codeBlocks(page, 'console').flatMap(({ text }) =>
    [...text.matchAll(/^\$ (km .*)$/gm)].map(([, line = '']) => line),
  );
}

const LINES = PAGES.flatMap((page) => linesOf(page).map((line) => ({ page, line })));
const LOGINS = LINES.filter(({ line }) => line.startsWith('km auth login '));
const OTHERS = LINES.filter((line) => !LOGINS.includes(line));

/** Nothing listens there. */
const NOBODY = 'http://127.0.0.1:9';

/** Someone with the files that the pages speak of, who does what a line says. */
function startLine(line: string) {
  const home = temporaryFolder();
  writeFileSync(join(home, 'secret.txt'), 'a secret\n');
  run('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', join(home, 'key.pem'));
  const env = environment({ HOME: home, PATH: pathWithKm(), KM_MAX_RETRIES: '0' });
  const shell = start('sh', ['-c', `cd "$HOME"; exec ${line}`], env);
  shell.child.stdin.end();
  return shell;
}

test('every page of an issuer that shows lines shows a login', () => {
  const pages = PAGES.filter((page) => /^docs\/oauth[a-z0-9-]*\.md$/.test(page) && linesOf(page).length > 0);
  expect(pages.length).toBeGreaterThan(5);
  expect(LOGINS.map(({ page }) => page)).toEqual(expect.arrayContaining([...pages]));
});

test.each(LOGINS)('$page: $line asks its issuer', async ({ line }) => {
  const login = startLine(line.replace(/(--issuer|-endpoint) https:\/\/[^/ ]+/g, `$1 ${NOBODY}`));
  const isDiscovered = !line.includes('--authorization-endpoint');
  if (!isDiscovered) {
    await until('the link is printed', () => login.stderr().includes(`${NOBODY}/authorize?`));
    login.child.kill('SIGINT');
  }
  expect(await login.ended, login.stderr()).toEqual({ code: isDiscovered ? 75 : 130, signal: null });
});

test.each(OTHERS)('$page: $line has flags that there are', async ({ line }) => {
  const [, words = ''] = /^km (.*?)(?: {2,}#.*| \|.*)?$/.exec(line) ?? [];
  const { stdout: help } = await runKm([...words.split(' ').slice(0, 2), '--help']);
  for (const [flag] of words.matchAll(/--[a-z-]+/g)) expect(help).toContain(`${flag} `);
});

test('docs/oauth.md has every flag of km auth login that is for other issuers, and no other', async () => {
  const { stdout } = await runKm(['auth', 'login', '--help']);
  const [, group = ''] = /Any OAuth 2\.0 or OpenID provider[^\n]*\n([^]*?)\n\n/.exec(stdout) ?? [];
  const flags = [...group.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
  expect(flags.length).toBeGreaterThan(10);
  const page = readFileSync(fileURLToPath(new URL('../docs/oauth.md', import.meta.url)), 'utf8');
  for (const flag of flags) expect(page).toMatch(new RegExp(`\`${flag}[ \`]`));
});
