import type { RunningLocalApi } from '@kilometers/local-api';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { pathWithKm } from './support/command-folder.js';
import { answerOnPage, userCodeIn } from './support/device-page.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, environment, start } from './support/km.js';
import { codeBlocks, PAGES } from './support/markdown.js';
import { ECHO } from './support/scripted-servers.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Pages with tests of their own for their commands. */
const ELSEWHERE: ReadonlySet<string> = new Set(['README.md', 'docs/fleet.md']);

/** What stands in for what a reader has and a test has not: a program, a place, an hour of time. */
type StandIns = readonly (readonly [said: string | RegExp, run: string])[];
const STAND_INS: StandIns = [
  [/^npm (ci|install|test|start|run) ?.*$/gm, ':'],
  [/\/run\/user\/1000\//g, '$HOME/'],
  // Asks, on a terminal: init.test.ts answers. Without one it takes what it is given.
  [/^km init$/gm, 'km init --api-key "$DOCS_API_KEY"'],
  // Serves until it is stopped: dev.test.ts.
  [/^km dev .*$/gm, 'km dev --help'],
  // As well: dashboard.test.ts.
  [/^km dashboard.*$/gm, 'km dashboard --help'],
];

/** Programs that the pages speak of as the reader's own. */
const READERS_OWN = ['my-program', 'my-server'];

function homeOfReader(): { readonly home: string; readonly path: string } {
  const home = temporaryFolder();
  const programs = join(home, '.local', 'bin');
  mkdirSync(programs, { recursive: true });
  for (const name of READERS_OWN) {
    writeFileSync(join(programs, name), `#!/bin/sh\ntest -n "\${KM_TOKEN:-$API_TOKEN}" || exit 9\n`);
    chmodSync(join(programs, name), 0o755);
  }
  writeFileSync(join(home, 'my-mcp-server.js'), ECHO);
  writeFileSync(join(home, 'api-key.txt'), `${API_KEY}\n`);
  return { home, path: `${programs}:${pathWithKm()}` };
}

function scriptOf(page: string, api: RunningLocalApi): string {
  const said = codeBlocks(page, 'sh').map(({ text }) => text);
  const script = STAND_INS.reduce((text, [what, run]) => text.replaceAll(what, run), said.join('\n'));
  return script.replaceAll('https://api.kilometers.ai', api.url);
}

/** Runs a page's commands from top to bottom, as a reader with an account would. */
async function follow(page: string): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const api = await startApi();
  const { home, path } = homeOfReader();
  const account = { KILOMETERS_API_ENDPOINT: api.url, KILOMETERS_API_KEY: API_KEY, DOCS_API_KEY: API_KEY };
  const env = environment({ HOME: home, PATH: path, TMPDIR: home, ...account });
  const shell = start('sh', ['-exc', `cd "$HOME"\n${scriptOf(page, api)}`], env);
  shell.child.stdin.end();
  const approved = new Set<string>();
  shell.child.stderr.on('data', () => {
    const code = userCodeIn(shell.stderr().split('\n').slice(-8).join('\n'));
    if (code === undefined || approved.has(code)) return;
    approved.add(code);
    void answerOnPage(api, code, 'approve');
  });
  const { code } = await shell.ended;
  return { code, stderr: shell.stderr() };
}

const FOLLOWED = PAGES.filter((page) => !ELSEWHERE.has(page) && codeBlocks(page, 'sh').length > 0);

test.each(FOLLOWED)('the commands in %s work, one after the other', async (page) => {
  const { code, stderr } = await follow(page);
  expect(code, stderr).toBe(0);
});

test('every npm script that a page names is there', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: object;
  };
  for (const page of PAGES) {
    const said = codeBlocks(page, 'sh').flatMap(({ text }) => [...text.matchAll(/npm run ([a-z:-]+)/g)]);
    for (const [, script = ''] of said) expect(Object.keys(manifest.scripts), page).toContain(script);
  }
});
