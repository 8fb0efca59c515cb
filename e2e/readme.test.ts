import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, environment, runKm, start } from './support/km.js';
import { until } from './support/until.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The code blocks of the README that are marked with `language`. */
function blocks(language: string): string[] {
  const all = README.matchAll(/^```(\w*)\n([^]*?)^```$/gm);
  return [...all].filter(([, marked]) => marked === language).map(([, , text = '']) => text);
}

/** A command named `curl` that asks as `curl -fsS` does for a URL with a header: not every machine has the real one. */
function folderWithCurl(): string {
  const folder = temporaryFolder();
  const asks = `const [flags, , header, url] = process.argv.slice(2);
fetch(url, { headers: [header.split(': ')] }).then(async (answer) => {
  if (flags !== '-fsS' || !answer.ok) process.exit(22);
  console.log(await answer.text());
});`;
  const program = `#!${process.execPath}\n${asks}\n`;
  writeFileSync(join(folder, 'curl'), program);
  chmodSync(join(folder, 'curl'), 0o755);
  return folder;
}

describe('the README', () => {
  test('has two commands to begin with, and both are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    expect(blocks('sh')[0]).toMatch(/^npm ci && npm start .*\nnpm ci && npm test .*\n$/);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test']));
  });

  test('says for how long the demo has traffic where nobody says it', () => {
    const demo = readFileSync(join(ROOT, 'examples/src/demo/main.ts'), 'utf8');
    const [, seconds = 'none'] = /values\.seconds \?\? (\d+)/.exec(demo) ?? [];
    expect(blocks('sh')[0]).toContain(`the demo: ${seconds} seconds of traffic`);
  });

  test('has lines of library use that run as they stand', async () => {
    const api = await startApi();
    const [program = ''] = blocks('ts');
    const run = start(process.execPath, ['--input-type=module', '-e', program], accountAt(api.url));
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.stderr()).toBe('');
    expect(run.stdout().toString()).toMatch(/^[0-9a-f]{8} \[redacted\]\n\{\s+tier: 'pro'/);
  });

  test('has lines of command line use that run as they stand', async () => {
    const [, dev = '', commands = ''] = blocks('sh');
    const [, args = ''] = /^node_modules\/\.bin\/km (.*)\n$/.exec(dev) ?? [];
    expect(args).toContain('--port 8787');
    const km = start(
      process.execPath,
      [join(ROOT, 'node_modules/.bin/km'), ...args.replace('8787', '0').split(' ')],
      environment(),
    );
    await until('the address of the API', () => km.stdout().includes('\n'));
    const url = km.stdout().toString().trim();
    const script = `set -e\ncd '${ROOT}'\n${commands.replace('http://127.0.0.1:8787', url)}`;
    const path = [folderWithCurl(), join(process.execPath, '..'), process.env['PATH']].join(':');
    const home = temporaryFolder();
    const shell = start('sh', ['-c', script], environment({ PATH: path, HOME: home }));
    shell.child.stdin.end();
    expect(await shell.ended).toEqual({ code: 0, signal: null });

    const [raw = '', json = '{}', features = '{}', pong] = shell.stdout().toString().trim().split('\n');
    expect(raw).toMatch(/^eyJ\S+$/);
    expect(JSON.parse(json)).toMatchObject({
      type: 'Bearer',
      scopes: expect.arrayContaining(['plugins']) as unknown,
    });
    expect(JSON.parse(features)).toMatchObject({ tier: 'pro' });
    const [kept = ''] = /~\/\S+\.auth_cache/.exec(README) ?? [];
    expect(readFileSync(kept.replace('~', home), 'latin1')).not.toContain(raw);
    expect(pong).toBe('{"result":{},"jsonrpc":"2.0","id":1}');
  });

  test('names commands of km that there are', async () => {
    const named = new Set(
      [...README.matchAll(/`km ((?:auth |queue )?[a-z]+)/g)].map(([, name = '']) => name),
    );
    expect(named.size).toBeGreaterThan(2);
    for (const name of named) {
      const { stdout } = await runKm([...name.split(' '), '--help']);
      expect(stdout.startsWith(`Usage: km ${name} `), name).toBe(true);
    }
  });

  test.each([
    ['quotes of speed what bench/RESULTS.md has, with its date', 'scripts/quote-bench.mjs'],
    ['shows a picture that is what is drawn from its lines', 'scripts/demo-picture.mjs'],
  ])('%s', async (_what, script) => {
    const run = start(process.execPath, [join(ROOT, script)], environment());
    expect(await run.ended, run.stderr()).toEqual({ code: 0, signal: null });
  });

  test('names each folder, and none that is not there', () => {
    const named = [...README.matchAll(/^\| `([a-z0-9/-]+)` +\|/gm)].map(([, folder = '']) => folder);
    const packages = readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}`);
    expect(named).toEqual(expect.arrayContaining(packages));
    expect(named.filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([]);
    const links = [...README.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !existsSync(join(ROOT, link)))).toEqual([]);
  });
});
