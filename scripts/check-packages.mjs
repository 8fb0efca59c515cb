// Packs each publishable package as npm would and checks what a user would get.
// Usage: node scripts/check-packages.mjs [--keep FOLDER] (after a build). One line a check; exits 1 when any fails.
// --keep leaves the tarballs that were checked in FOLDER, if all are fit.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, '..');

const COMMON = ['package.json', 'README.md', 'LICENSE'];
const LIBRARY_FILES = [
  /^dist\/[a-z0-9-]+(\/[a-z0-9-]+)*\.(js|d\.ts)(\.map)?$/,
  /^src\/[a-z0-9-]+(\/[a-z0-9-]+)*\.ts$/,
];

/** A bundle, its chunks and its types. */
const BUNDLED_LIBRARY_FILES = [
  /^dist\/(index|keyring-child|[a-z0-9-]+-[A-Z0-9]{8})\.js(\.map)?$/,
  /^dist\/[a-z0-9-]+(\/[a-z0-9-]+)*\.d\.ts(\.map)?$/,
  /^src\/[a-z0-9-]+(\/[a-z0-9-]+)*\.ts$/,
];

const PACKAGES = [
  {
    folder: 'packages/auth',
    files: BUNDLED_LIBRARY_FILES,
    required: ['dist/keyring-child.js'],
    importable: true,
  },
  { folder: 'packages/local-api', files: LIBRARY_FILES, importable: true },
  {
    folder: 'packages/cli',
    files: [
      /^bin\/km\.cjs$/,
      /^dist\/[a-z0-9-]+(\/[a-z0-9-]+)*\.(cjs|mjs|js)(\.map)?$/,
      /^dist\/dashboard\/(index\.html|page\.css)$/,
      /^dist\/LICENSES\.txt$/,
      /^dist\/help\.json$/,
      /^schemas\/[a-z0-9.-]+\.json$/,
      /^man\/km\.1$/,
    ],
    required: ['dist/LICENSES.txt', 'dist/help.json', 'man/km.1'],
    command: 'bin/km.cjs',
  },
];

const { keep } = parseArgs({ options: { keep: { type: 'string' } } }).values;

let failures = 0;
const tarballs = [];

async function check(name, what, body) {
  let problems;
  try {
    problems = await body();
  } catch (error) {
    problems = [error.stdout || error.stderr || error.message];
  }
  if (problems.length === 0) {
    console.log(`ok    ${name}: ${what}`);
    return;
  }
  failures += 1;
  console.log(`FAIL  ${name}: ${what}`);
  for (const problem of problems)
    console.log(`        ${String(problem).trim().replaceAll('\n', '\n        ')}`);
}

/** Packs `folder` into `target`, unpacks it there, and returns what is inside. */
async function pack(folder, target) {
  const { stdout } = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', target, '--workspace', folder],
    { cwd: ROOT },
  );
  const parsed = JSON.parse(stdout);
  // npm 10 and 11 print a list; npm 12 an object by package name.
  const [packed] = Array.isArray(parsed) ? parsed : Object.values(parsed);
  const tarball = path.join(target, packed.filename);
  await run('tar', ['-xzf', tarball, '-C', target]);
  return { tarball, files: packed.files.map((file) => file.path), content: path.join(target, 'package') };
}

function unexpectedFiles({ files }, allowed) {
  return files
    .filter((file) => !COMMON.includes(file) && !allowed.some((pattern) => pattern.test(file)))
    .map((file) => `${file} should not be published`);
}

function missingFiles({ files }, manifest, required = []) {
  const promised = [
    ...COMMON,
    ...required,
    ...Object.values(manifest.bin ?? {}),
    ...Object.values(manifest.exports ?? {}).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    ),
  ].map((file) => file.replace(/^\.\//, ''));
  return [...new Set(promised)]
    .filter((file) => !files.includes(file))
    .map((file) => `${file} is missing from the tarball (was it built?)`);
}

/** A source map is of use only if the sources it names are in the tarball, or inside the map. */
async function brokenMaps({ files, content }) {
  const problems = [];
  for (const file of files.filter((name) => name.endsWith('.map'))) {
    const map = JSON.parse(await readFile(path.join(content, file), 'utf8'));
    for (const [index, source] of map.sources.entries()) {
      const target = path.posix.join(path.posix.dirname(file), map.sourceRoot ?? '', source);
      if (!files.includes(target) && typeof map.sourcesContent?.[index] !== 'string') {
        problems.push(`${file} points to ${target}, which is not in the tarball`);
      }
    }
  }
  return problems;
}

async function dullReadme({ content }) {
  const text = await readFile(path.join(content, 'README.md'), 'utf8');
  return text.trim().split('\n').length < 5
    ? ['README.md says next to nothing: say what it is and how to use it']
    : [];
}

async function publintProblems({ tarball }) {
  const bytes = await readFile(tarball);
  const { messages, pkg } = await publint({
    strict: true,
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
  });
  return messages
    .filter(({ type }) => type !== 'suggestion')
    .map((message) => formatMessage(message, pkg, { color: false }));
}

async function typeProblems({ tarball }) {
  const attw = path.join(ROOT, 'node_modules', '.bin', 'attw');
  await run(attw, [tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji']);
  return [];
}

/** Runs outside the workspace, where nothing but the tarball can be found. */
async function versionProblems({ content }, command, version) {
  const { stdout } = await run(process.execPath, [path.join(content, command), '--version'], {
    cwd: content,
  });
  return stdout.includes(version) ? [] : [`--version printed ${JSON.stringify(stdout)}, not ${version}`];
}

/** Imports the library where nothing can be found but the dependencies it declares. */
async function importProblems({ content }, manifest, folder) {
  const modules = path.join(content, 'node_modules');
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    const places = [path.join(ROOT, folder, 'node_modules', name), path.join(ROOT, 'node_modules', name)];
    const place = places.find((candidate) => existsSync(candidate));
    if (!place) return [`${name} is declared and not installed`];
    await mkdir(path.dirname(path.join(modules, name)), { recursive: true });
    await symlink(place, path.join(modules, name));
  }
  const entry = path.join(content, manifest.exports['.'].default);
  const program = `const names = Object.keys(await import(${JSON.stringify(pathToFileURL(entry))})); process.exit(names.length ? 0 : 1)`;
  await run(process.execPath, ['--input-type=module', '-e', program], { cwd: content });
  return [];
}

const temporary = await mkdtemp(path.join(tmpdir(), 'km-packages-'));
try {
  for (const { folder, files, required, importable, command } of PACKAGES) {
    const manifest = JSON.parse(await readFile(path.join(ROOT, folder, 'package.json'), 'utf8'));
    const target = await mkdtemp(path.join(temporary, 'pack-'));
    let packed;
    await check(manifest.name, 'packs', async () => {
      packed = await pack(folder, target);
      return [];
    });
    if (!packed) continue;
    tarballs.push(packed.tarball);

    await check(manifest.name, 'holds what it promises', () => missingFiles(packed, manifest, required));
    await check(manifest.name, 'holds nothing else', () => unexpectedFiles(packed, files));
    await check(manifest.name, 'source maps lead somewhere', () => brokenMaps(packed));
    await check(manifest.name, 'README says something', () => dullReadme(packed));
    await check(manifest.name, 'publint', () => publintProblems(packed));
    if (importable) {
      await check(manifest.name, 'types resolve (attw)', () => typeProblems(packed));
      await check(manifest.name, 'imports with what it declares', () =>
        importProblems(packed, manifest, folder),
      );
    }
    if (command) {
      await check(manifest.name, 'runs with nothing around', () =>
        versionProblems(packed, command, manifest.version),
      );
    }
  }
  if (keep !== undefined && failures === 0) {
    await mkdir(keep, { recursive: true });
    for (const tarball of tarballs) await copyFile(tarball, path.join(keep, path.basename(tarball)));
  }
} finally {
  await rm(temporary, { recursive: true, force: true });
}

console.log(failures === 0 ? 'Packages are fit to publish.' : `${failures} package checks failed.`);
process.exitCode = failures === 0 ? 0 : 1;
