import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { HAS_REDIS } from '../packages/auth/test/support/redis-server.js';
import { startApi } from './support/api.js';
import { pathWith } from './support/command-folder.js';
import { API_KEY, environment, runKm, start } from './support/km.js';
import { codeBlocks, PAGES } from './support/markdown.js';
import { startFleet } from './support/redis.js';

type Block = { readonly page: string; readonly number: number; readonly text: string };

const BLOCKS: readonly Block[] = PAGES.flatMap((page) =>
  codeBlocks(page, 'yaml').map(({ text }, index) => ({ page, number: index + 1, text })),
);

type Variable = { readonly name: string; readonly value?: string };
type Variables = Readonly<Record<string, string>>;

/** A step of a job, or a container: a line for `sh`, and the variables that stand beside it. */
type Runnable = { readonly line: string; readonly variables: Variables };

/** What a worker with a program of its own may do, which has `km` only for its tokens. */
const OF_A_WORKER = ['km', 'auth', 'token', '--scope', 'monitoring'];

type Node = {
  readonly run?: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly env?: Variables | readonly Variable[];
  readonly environment?: Variables;
};

function variablesOf({ env = {}, environment: map = {} }: Node): Variables {
  const isList = (either: typeof env): either is readonly Variable[] => Array.isArray(either);
  if (!isList(env)) return { ...env, ...map };
  return Object.fromEntries(env.map(({ name, value = '' }) => [name, value]));
}

function runnablesIn(tree: unknown): readonly Runnable[] {
  if (typeof tree !== 'object' || tree === null) return [];
  const node = tree as Node;
  const variables = variablesOf(node);
  if (node.run !== undefined) return [{ line: node.run, variables }];
  if (node.image === 'my-worker') return [{ line: (node.command ?? OF_A_WORKER).join(' '), variables }];
  return Object.values(tree).flatMap(runnablesIn);
}

function runnablesOf({ text }: Block): readonly Runnable[] {
  return parseAllDocuments(text).flatMap((document) => runnablesIn(document.toJS()));
}

test.each(BLOCKS)('block $number of YAML in $page is YAML', ({ text }) => {
  for (const { errors, warnings } of parseAllDocuments(text)) expect([...errors, ...warnings]).toEqual([]);
});

const RUNNABLE = BLOCKS.filter((block) => runnablesOf(block).length > 0);

test('what docs/ci.md and docs/fleet.md have in YAML is found, with its variables', () => {
  expect(RUNNABLE.map(({ page }) => page).sort()).toEqual([
    ...Array<string>(2).fill('docs/ci.md'),
    ...Array<string>(3).fill('docs/fleet.md'),
  ]);
});

describe.skipIf(!HAS_REDIS).each(RUNNABLE)('block $number of YAML in $page', (block) => {
  test('runs with the variables that it gives, and no others', async () => {
    const [api, fleet] = [await startApi(), await startFleet()];
    const secrets: Variables = {
      KILOMETERS_API_KEY: API_KEY,
      KM_CACHE_URL: fleet.url,
      KM_CACHE_KEY: fleet.key,
    };
    const { KILOMETERS_API_KEY: input, ...shared } = secrets;
    const login = ['auth', 'login', '--api-key-stdin', '--endpoint', api.url];
    expect(await runKm(login, { env: environment(shared), input: input ?? '' })).toMatchObject({ code: 0 });
    for (const { line, variables } of runnablesOf(block)) {
      const given = Object.entries(variables).map(([name, value]) => [name, secrets[name] ?? value]);
      const path = pathWith('my-program', 'test -n "$KM_TOKEN"');
      const env = environment({
        PATH: path,
        KILOMETERS_API_ENDPOINT: api.url,
        ...(Object.fromEntries(given) as Variables),
      });
      const deploys = '#!/bin/sh\ntest -n "$KM_TOKEN" && test -z "$KILOMETERS_API_KEY$KM_CACHE_KEY"\n';
      writeFileSync(join(env['HOME'] ?? '', 'deploy.sh'), deploys, { mode: 0o755 });
      const shell = start('sh', ['-ec', `cd "$HOME"\n${line}`], env);
      shell.child.stdin.end();
      expect(await shell.ended, `${line}: ${shell.stderr()}`).toEqual({ code: 0, signal: null });
    }
  });
});
