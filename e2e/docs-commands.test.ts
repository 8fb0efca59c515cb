import type { RunningLocalApi } from '@kilometers/local-api';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { pathWithKm } from './support/command-folder.js';
import { answerOnPage, userCodeIn } from './support/device-page.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, KM, environment, start } from './support/km.js';
import { codeBlocks, PAGES } from './support/markdown.js';
import { ECHO } from './support/scripted-servers.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Pages with tests of their own for their commands. */
const ELSEWHERE: ReadonlySet<string> = new Set(['README.md', 'docs/fleet.md']);

/** What stands in for what a reader has and a test has not: a program, a place, a port that is free. */
type StandIns = readonly (readonly [said: string | RegExp, run: string])[];
const STAND_INS: StandIns = [
  [/^npm (ci|install|test|start|run) ?.*$/gm, ':'],
  [/\/run\/user\/1000\//g, '$HOME/'],
  // Asks, on a terminal: init.test.ts answers. Without one it takes what it is given.
  [/^km init$/gm, 'km init --api-key "$DOCS_API_KEY"'],
  [/^km dev( --port \d+)? /gm, 'km dev --port 0 '],
];

/** Programs that the pages speak of as the reader's own. */
const READERS_OWN = ['my-program', 'my-server'];

/**
 * The reader at the keyboard: stops what serves once it has said where, and sees a `km` that fails where the shell goes on,
 * as in `$(km …)` and before a pipe.
 */
const KM_AS_TYPED = `
case $1 in
dev | dashboard)
  said=$(mktemp)
  '${KM}' "$@" > "$said" 2>&1 &
  until grep -q http://127.0.0.1: "$said"; do kill -0 $! || break; sleep 0.1; done
  kill $!
  wait $! ;;
*) '${KM}' "$@" ;;
esac
code=$?
if [ $code != 0 ]; then echo "km $* ended with $code" >> "$HOME/failed.txt"; fi
exit $code`;

function homeOfReader(): { readonly home: string; readonly path: string } {
  const home = temporaryFolder();
  const programs = join(home, '.local', 'bin');
  mkdirSync(programs, { recursive: true });
  const program = (name: string, script: string): void => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  program('km', KM_AS_TYPED);
  for (const name of READERS_OWN) program(name, 'test -n "${KM_TOKEN:-$API_TOKEN}" || exit 9');
  writeFileSync(join(home, 'failed.txt'), '');
  writeFileSync(join(home, 'my-mcp-server.js'), ECHO);
  writeFileSync(join(home, 'api-key.txt'), `${API_KEY}\n`);
  return { home, path: `${programs}:${pathWithKm()}` };
}

function scriptOf(said: readonly string[], api: RunningLocalApi): string {
  const script = STAND_INS.reduce((text, [what, run]) => text.replaceAll(what, run), said.join('\n'));
  return script.replaceAll('https://api.kilometers.ai', api.url);
}

/** How a reader fared: what `sh` ended with, and each `km` that failed. */
type Fared = { readonly code: number | null; readonly failed: string; readonly stderr: string };

/** Runs a page's commands from top to bottom, as a reader with an account would, or with this API key. */
async function follow(said: readonly string[], apiKey = API_KEY): Promise<Fared> {
  const api = await startApi();
  const { home, path } = homeOfReader();
  const account = { KILOMETERS_API_ENDPOINT: api.url, KILOMETERS_API_KEY: apiKey, DOCS_API_KEY: apiKey };
  const env = environment({ HOME: home, PATH: path, TMPDIR: home, ...account });
  const shell = start('sh', ['-exc', `cd "$HOME"\n${scriptOf(said, api)}`], env);
  shell.child.stdin.end();
  const approved = new Set<string>();
  shell.child.stderr.on('data', () => {
    const code = userCodeIn(shell.stderr().split('\n').slice(-8).join('\n'));
    if (code === undefined || approved.has(code)) return;
    approved.add(code);
    void answerOnPage(api, code, 'approve');
  });
  const { code } = await shell.ended;
  return { code, failed: readFileSync(join(home, 'failed.txt'), 'utf8'), stderr: shell.stderr() };
}

const commandsOf = (page: string): readonly string[] => codeBlocks(page, 'sh').map(({ text }) => text);

const FOLLOWED = PAGES.filter((page) => !ELSEWHERE.has(page) && commandsOf(page).length > 0);

test.each(FOLLOWED)('the commands in %s work, one after the other', async (page) => {
  const { code, failed, stderr } = await follow(commandsOf(page));
  expect({ code, failed }, stderr).toEqual({ code: 0, failed: '' });
});

const CURLS = PAGES.flatMap((page) => commandsOf(page).flatMap((text) => text.match(/^curl .*$/gm) ?? []));

test.each([...new Set(CURLS)])('%s fails where km has no token for it', async (line) => {
  const { code, failed } = await follow(
    [line.replace('$KILOMETERS_API_ENDPOINT', 'https://api.kilometers.ai')],
    'km_live_wrong',
  );
  expect(failed).toMatch(/^km auth token .* ended with 1\n$/);
  expect(code).not.toBe(0);
});

test('what is served with wrong flags is seen to fail', async () => {
  const { code, failed } = await follow(["km dev --fail 'status=nonsense'"]);
  expect(code).toBe(2);
  expect(failed).toContain('km dev --port 0 --fail status=nonsense ended with 2');
});

test('every npm script that a page names is there', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: object;
  };
  for (const page of PAGES) {
    const said = commandsOf(page).flatMap((text) => [...text.matchAll(/npm run ([a-z:-]+)/g)]);
    for (const [, script = ''] of said) expect(Object.keys(manifest.scripts), page).toContain(script);
  }
});
