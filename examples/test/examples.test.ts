import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** What each program says when it works. */
const SAYS: Readonly<Record<string, RegExp>> = {
  'plain-use': /prints as \[redacted\]\nthe API answered 200: \{"tier":"pro"/,
  'own-provider': /^100 callers, 1 token: [0-9a-f]{8}\n$/,
  'own-cache': /the same token: true/,
  'fetch-for-another-client': /^200: tier pro, \d+ features\n$/,
  entitlements: /to show: tier pro\nto decide: plugins, monitoring\n/,
};

/** Nothing of the machine's own settings reaches a program. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(KM_|KILOMETERS_|NODE_OPTIONS$|VITEST)/.test(name)),
);

beforeAll(async () => {
  // Does nothing when all is built, as it is under `npm test`.
  await run(process.execPath, [pathOf('../../node_modules/typescript/bin/tsc'), '-b', pathOf('..')]);
}, 120_000);

test('every program in the folder is run here, and is short', () => {
  const programs = readdirSync(pathOf('../src')).filter((file) => file.endsWith('.ts'));

  expect(programs.map((file) => file.replace(/\.ts$/, '')).sort()).toEqual(Object.keys(SAYS).sort());
  for (const file of programs) {
    expect(readFileSync(pathOf(`../src/${file}`), 'utf8').split('\n').length, file).toBeLessThanOrEqual(41);
  }
});

test.each(Object.entries(SAYS))(
  '%s runs by itself, says what it should and ends',
  async (name, says) => {
    const { stdout, stderr } = await run(process.execPath, [pathOf(`../dist/${name}.js`)], {
      env: ENVIRONMENT,
      timeout: 30_000,
    });

    expect(stdout).toMatch(says);
    expect(stderr).toBe('');
  },
  40_000,
);
