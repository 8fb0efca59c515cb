// The house style as far as a machine can check it. CONTRIBUTING.md says why each rule is there.
import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier/flat';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Where a program touches the world directly. Everything else in `src` takes its clock, randomness, sleep, `fetch`
 * and environment from its caller, so that a test can advance time instead of waiting for it.
 *
 * The one list of exceptions: composition roots, and the default adapters they hand out. The last entry that matches
 * a file counts. To add a file, first ask whether its caller could pass the thing in.
 */
const AMBIENT_ALLOWED = [
  { files: ['packages/auth/src/clock.ts'], may: ['time', 'timers'] },
  { files: ['packages/auth/src/create-auth-manager.ts'], may: ['random'] },
  { files: ['packages/auth/src/authenticated-fetch.ts'], may: ['fetch'] },
  { files: ['packages/auth/src/caches/file/sealed-folder.ts'], may: ['random'] },
  { files: ['packages/auth/src/caches/redis/redis-settings.ts'], may: ['random'] },
  { files: ['packages/local-api/src/ambient.ts'], may: ['time', 'timers'] },
  { files: ['packages/cli/src/main.ts'], may: ['process'] },
  { files: ['packages/cli/src/token-hit.ts'], may: ['random', 'process'] },
  { files: ['packages/cli/src/help-at-once.ts'], may: ['process'] },
  { files: ['packages/cli/src/process-context.ts'], may: ['random', 'fetch', 'process'] },
  // Runs in a browser.
  { files: ['packages/cli/src/dashboard/page/*'], may: ['time', 'timers'] },
  // The root of a thread of its own.
  { files: ['packages/cli/src/monitor/capture-thread-main.ts'], may: ['random', 'fetch', 'process'] },
];

const AMBIENT = {
  time: {
    properties: [
      { object: 'Date', property: 'now', message: 'Take a clock from the caller.' },
      { object: 'performance', property: 'now', message: 'Take a clock from the caller.' },
    ],
    syntax: [
      {
        selector: "NewExpression[callee.name='Date'][arguments.length=0]",
        message: 'Take a clock from the caller.',
      },
    ],
  },
  timers: {
    globals: ['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
      name,
      message: 'Take a sleep or a timer from the caller.',
    })),
    modules: ['node:timers', 'node:timers/promises', 'timers', 'timers/promises'].map((name) => ({
      name,
      message: 'Take a sleep or a timer from the caller.',
    })),
    properties: [
      { object: 'AbortSignal', property: 'timeout', message: 'Take a sleep or a timer from the caller.' },
    ],
  },
  random: {
    properties: [
      { object: 'Math', property: 'random', message: 'Take a source of randomness from the caller.' },
    ],
  },
  fetch: { globals: [{ name: 'fetch', message: 'Take fetch from the caller.' }] },
  console: {
    globals: [{ name: 'console', message: 'Publish an event, or write to a stream the caller gave.' }],
    modules: ['node:console', 'console'].map((name) => ({
      name,
      message: 'Publish an event, or write to a stream the caller gave.',
    })),
  },
  process: {
    properties: ['env', 'exit', 'exitCode', 'argv', 'stdin', 'stdout', 'stderr', 'cwd'].map((property) => ({
      object: 'process',
      property,
      message: 'Read the process in a composition root and pass on what is needed.',
    })),
    modules: ['node:process', 'process'].map((name) => ({
      name,
      importNames: ['env', 'exit', 'exitCode', 'argv', 'stdin', 'stdout', 'stderr', 'cwd'],
      message: 'Read the process in a composition root and pass on what is needed.',
    })),
  },
};

const SYNTAX = [
  { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' },
  {
    selector: 'ExportDefaultDeclaration, ExportSpecifier[exported.name="default"]',
    message: 'Export by name, so that the thing is called the same everywhere.',
  },
  {
    selector:
      "CallExpression[callee.object.name='AbortSignal'][callee.property.name='any'] " +
      "CallExpression[callee.object.name='AbortSignal'][callee.property.name='timeout']",
    message:
      'Node 20 may collect the timeout as garbage, and it never fires: use a timer and an AbortController.',
  },
];

const ACROSS_PACKAGES = {
  regex: '^(\\.\\./)+(packages/)?(auth|cli|local-api)/(src|dist|build|test(?!/support/))/',
  message: 'Import another package by its name, as its users do.',
};

/** The rules of `src` for files that may touch the kinds of ambient state in `may`. */
function sourceRules(may) {
  const forbidden = Object.entries(AMBIENT)
    .filter(([kind]) => !may.includes(kind))
    .map(([, rules]) => rules);
  const gather = (key) => forbidden.flatMap((rules) => rules[key] ?? []);
  const properties = gather('properties');
  return {
    'no-restricted-globals': ['error', { globals: gather('globals'), checkGlobalObject: true }],
    // A bare 'error' would keep the list of the block before.
    'no-restricted-properties': properties.length === 0 ? 'off' : ['error', ...properties],
    'no-restricted-syntax': ['error', ...SYNTAX, ...gather('syntax')],
    '@typescript-eslint/no-restricted-imports': [
      'error',
      { paths: gather('modules'), patterns: [ACROSS_PACKAGES] },
    ],
  };
}

const SLEEP_IN_TEST = [
  {
    selector: "CallExpression[callee.name='setTimeout'] > Literal.arguments[value>=100]",
    message: 'Advance a fake clock, or wait for the thing itself; do not sleep.',
  },
  {
    selector: 'CallExpression[callee.name=/^(sleep|delay|wait)$/] > Literal.arguments[value>=100]',
    message: 'Advance a fake clock, or wait for the thing itself; do not sleep.',
  },
];

const MAX_LINES = { 'max-lines': ['error', { max: 250, skipBlankLines: false, skipComments: false }] };

const SOURCE = ['packages/*/src/**/*.ts', 'packages/*/src/**/*.tsx'];
const TESTS = ['packages/*/test/**/*.ts', 'examples/test/**/*.ts', 'e2e/**/*.ts'];

export default defineConfig(
  globalIgnores(['**/dist/', '**/build/', '**/coverage/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['vitest.config.ts'], defaultProject: 'tsconfig.test.json' },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // Data is a `type`, a port is an `interface`: the choice says something, so it is not made by rule.
      '@typescript-eslint/consistent-type-definitions': 'off',
      // `async` without `await` turns a throw into a rejection, which is what a port promises.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: ['interface', 'typeAlias', 'class'],
          format: ['PascalCase'],
          custom: { regex: '^I[A-Z][a-z]', match: false },
        },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-param-reassign': 'error',
      'object-shorthand': 'error',
    },
  },
  {
    files: SOURCE,
    rules: { ...sourceRules([]), ...MAX_LINES },
  },
  ...AMBIENT_ALLOWED.map(({ files, may }) => ({ files, rules: sourceRules(may) })),
  {
    // Hono's chained calls are typed as its base class; each of them returns the very app it was called on.
    files: ['packages/local-api/src/**/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  {
    // Examples are programs: they may use console, timers and the process as any program does.
    files: ['examples/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...SYNTAX],
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [ACROSS_PACKAGES] }],
    },
  },
  {
    files: TESTS,
    rules: {
      ...MAX_LINES,
      'no-restricted-syntax': ['error', ...SYNTAX, ...SLEEP_IN_TEST],
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [ACROSS_PACKAGES] }],
      // `list[0]!` in a test is an assertion: when it is wrong, the test fails, as it should.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'URL', 'Buffer', 'setTimeout', 'clearTimeout', 'fetch'].map((name) => [
          name,
          'readonly',
        ]),
      ),
    },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', module: 'writable', __dirname: 'readonly', __filename: 'readonly' },
    },
  },
  prettier,
);
