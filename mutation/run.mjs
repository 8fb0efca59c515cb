// npm run mutants [-- GROUP or GROUP:FILE[:FIRST-LAST LINE]...]: changes the code in small ways, one at a time, and sees whether a test fails.
// Stryker is not among the dependencies of the repository (108 MB for what few run): it is installed here, on demand.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const SOURCES = 'packages/auth/src';

/** The files of the lock, which has tests of its own. */
const LOCK = 'generation-files|generation-lock|held-generation|process-identity|process-lock';

/** What is tested so, by name; and by which tests. */
const GROUPS = {
  policy: { tests: 'manager', files: ['refresh-policy.ts'] },
  manager: {
    tests: 'manager',
    files: [
      'token-manager.ts',
      'refresh-flights.ts',
      'refresh-transaction.ts',
      'token-request-runner.ts',
      'note-failure.ts',
      'refresh-errors.ts',
      'refresh-token-renewal.ts',
      'grant-store.ts',
      'cache-trouble.ts',
      'store-retry.ts',
      'unstored-change.ts',
      'grant-changes.ts',
      'held-token.ts',
      'token-memory.ts',
      'answer-keeper.ts',
      'background-check.ts',
      'storm-brake.ts',
      'parting.ts',
      'revoking.ts',
    ],
  },
  // What only loads something later has nothing to change; what runs in another process is not seen to be changed.
  'file-cache': {
    tests: 'file-cache',
    files: [`caches/file/!(${LOCK}|keyring-child|writing|writing-side).ts`],
  },
  lock: { tests: 'lock', files: [`caches/file/@(${LOCK}).ts`] },
};

const OPTIONS = {
  testRunner: 'vitest',
  plugins: ['./mutation/node_modules/@stryker-mutator/vitest-runner/dist/src/index.js'],
  ignorePatterns: ['**', '!packages/auth/**', '!mutation/*', '!package.json', '!tsconfig*.json'],
  // What is changed when a module is loaded would need every test, each with modules of its own.
  ignoreStatic: true,
  incremental: true,
  reporters: ['clear-text', 'progress-append-only', 'json'],
  clearTextReporter: { allowEmojis: false, reportTests: false, logTests: false },
  thresholds: { high: 95, low: 90, break: 85 },
  concurrency: 2,
};

async function run(word) {
  const [name, ...rest] = word.split(':');
  const file = rest.length === 0 ? undefined : rest.join(':');
  const group = GROUPS[name];
  if (group === undefined) throw new Error(`${name} is none of ${Object.keys(GROUPS).join(', ')}.`);
  const { Stryker } = await import('@stryker-mutator/core');
  await new Stryker({
    ...OPTIONS,
    mutate: (file === undefined ? group.files : [file]).map((each) => `${SOURCES}/${each}`),
    vitest: { configFile: `mutation/${group.tests}.vitest.config.mjs` },
    incrementalFile: `build/mutation/${name}.incremental.json`,
    tempDirName: `build/mutation/${name}`,
    jsonReporter: { fileName: `build/mutation/${name}.json` },
  }).runMutationTest();
}

process.chdir(path.resolve(import.meta.dirname, '..'));
if (!existsSync('mutation/node_modules/@stryker-mutator/core'))
  execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: 'mutation', stdio: 'inherit' });
const words = process.argv.slice(2);
for (const word of words.length > 0 ? words : Object.keys(GROUPS)) await run(word);
