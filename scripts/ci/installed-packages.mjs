// Installs the packages as a user would get them, in an empty folder with an empty home, and uses them there: with this
// Node and with each release line that we support. Usage: node scripts/ci/installed-packages.mjs (after a build).
// One line a check; exits 1 when any fails.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, '../..');

/** Other release lines than the one that runs this; they come as packages. */
const OTHER_NODES = ['22.23.3', '24.21.0', '26.10.0'];

/** What an installation may weigh, all its dependencies counted. */
const BUDGETS = [
  { name: '@kilometers/auth', packages: 6, mebibytes: 8 },
  { name: '@kilometers/cli', packages: 30, mebibytes: 33 },
];

/** End-to-end tests that run what was installed. */
const TESTS = [
  'e2e/auth-token.test.ts',
  'e2e/auth-login.test.ts',
  'e2e/monitor-mcp.test.ts',
  'e2e/new-user.test.ts',
];

const ESM_PROGRAM = `
import { createAuthManager, createMemoryCache, isAuthError } from '@kilometers/auth';
const manager = createAuthManager({ apiEndpoint: 'http://127.0.0.1:9', cache: createMemoryCache() });
const error = await manager.getValidToken('monitoring').catch((error) => error);
if (!isAuthError(error) || error.code !== 'KM_AUTH_LOGIN_REQUIRED') throw error;
`;
const CJS_PROGRAM = `
import('@kilometers/auth').then(({ createAuthManager }) => {
  if (typeof createAuthManager !== 'function') throw new Error('createAuthManager is missing');
});
`;
const TYPES_PROGRAM = `
import { createAuthManager, type AuthManager, type AuthToken } from '@kilometers/auth';
export const manager: AuthManager = createAuthManager({ apiKey: 'km_live_example' });
export const token: Promise<AuthToken> = manager.getValidToken('monitoring');
// @ts-expect-error A scope is text.
void manager.getValidToken(1);
`;

let failures = 0;

async function check(what, body) {
  try {
    const figure = await body();
    console.log(`ok    ${what}${figure === undefined ? '' : `: ${figure}`}`);
  } catch (error) {
    failures += 1;
    const said = [error.stdout, error.stderr].filter(Boolean).join('\n') || error.message;
    console.log(`FAIL  ${what}\n        ${said.trim().slice(-4000).replaceAll('\n', '\n        ')}`);
  }
}

async function pack(workspace, target) {
  const words = [
    'pack',
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    target,
    '--workspace',
    workspace,
  ];
  const { stdout } = await run('npm', words, { cwd: ROOT });
  const parsed = JSON.parse(stdout);
  // npm 10 and 11 print a list; npm 12 an object by package name.
  const [packed] = Array.isArray(parsed) ? parsed : Object.values(parsed);
  return path.join(target, packed.filename);
}

async function install(folder, packages, home) {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), '{ "private": true }\n');
  const words = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', ...packages];
  await run('npm', words, { cwd: folder, env: { ...process.env, HOME: home } });
}

async function sizeOf(folder) {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(path.join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}

async function packagesIn(modules) {
  let count = 0;
  for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) {
    const isPackage = /(^|\/)node_modules(\/@[^/]+)?$/.test(entry.parentPath) && !/^[.@]/.test(entry.name);
    if (isPackage && entry.isDirectory()) count += 1;
  }
  return count;
}

async function weigh(app, { packages, mebibytes }) {
  const modules = path.join(app, 'node_modules');
  const [count, bytes] = [await packagesIn(modules), await sizeOf(modules)];
  const size = bytes / 2 ** 20;
  const figure = `${count} packages, ${size.toFixed(1)} MiB (at most ${packages}, ${mebibytes} MiB)`;
  if (count > packages || size > mebibytes) throw new Error(figure);
  return figure;
}

async function runTests(node, km) {
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const bin = path.dirname(node);
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}`, KM_UNDER_TEST: km };
  const { stdout } = await run(node, [vitest, 'run', '--project', 'e2e', '--reporter=json', ...TESTS], {
    cwd: ROOT,
    env,
    maxBuffer: 2 ** 26,
  });
  const { numPassedTests, numFailedTests } = JSON.parse(stdout.slice(stdout.indexOf('{"num')));
  if (numFailedTests > 0 || numPassedTests === 0) throw new Error(`${numFailedTests} tests failed`);
  return `${numPassedTests} end-to-end tests`;
}

const temporary = await mkdtemp(path.join(tmpdir(), 'km-installed-'));
try {
  const home = path.join(temporary, 'home');
  await mkdir(home);
  const tarballs = {};
  for (const name of ['auth', 'local-api', 'cli']) {
    tarballs[name] = await pack(`packages/${name}`, temporary);
  }
  const [library, command] = [path.join(temporary, 'library'), path.join(temporary, 'command')];
  const km = path.join(command, 'node_modules/.bin/km');
  await check('@kilometers/auth installs alone', () => install(library, [tarballs.auth], home));
  await check('@kilometers/cli installs', () =>
    install(command, [tarballs['local-api'], tarballs.cli], home),
  );
  for (const budget of BUDGETS) {
    const app = budget.name === '@kilometers/auth' ? library : command;
    await check(`${budget.name} weighs`, () => weigh(app, budget));
  }

  await writeFile(path.join(library, 'esm.mjs'), ESM_PROGRAM);
  await writeFile(path.join(library, 'cjs.cjs'), CJS_PROGRAM);
  await writeFile(path.join(library, 'types.mts'), TYPES_PROGRAM);
  await check('@kilometers/auth has its types', async () => {
    const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023'];
    const roots = ['--types', 'node', '--typeRoots', path.join(ROOT, 'node_modules/@types')];
    await run(process.execPath, [tsc, ...options, ...roots, 'types.mts'], { cwd: library });
  });

  const nodes = [{ version: process.versions.node, file: process.execPath }];
  for (const version of OTHER_NODES) {
    const folder = path.join(temporary, version);
    await check(`Node ${version} installs`, () => install(folder, [`node@${version}`], home));
    nodes.push({ version, file: path.join(folder, 'node_modules/node/bin/node') });
  }
  for (const { version, file } of nodes) {
    await check(`Node ${version}: the library from ES modules`, async () => {
      await run(file, ['esm.mjs'], { cwd: library });
    });
    await check(`Node ${version}: the library from CommonJS`, async () => {
      await run(file, ['cjs.cjs'], { cwd: library });
    });
    await check(`Node ${version}: the installed km`, () => runTests(file, km));
  }
} finally {
  await rm(temporary, { recursive: true, force: true });
}

console.log(failures === 0 ? 'The packages work where they are installed.' : `${failures} checks failed.`);
process.exitCode = failures === 0 ? 0 : 1;
