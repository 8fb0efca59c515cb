// Bundles the command line: one file for what is always needed, and one a command, loaded when it is called.
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { build } from 'esbuild';
import { bundledPackages, licenceTexts } from './licences.mjs';
import { buildManPage } from './man-page.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** The first version in the range. */
const [oldestNode] = /[\d.]+/.exec(engines.node);
const outdir = join(root, 'dist');

/** `import('./commands/x.js')` becomes a load of the bundle `commands/x.cjs`. */
const commandsApart = {
  name: 'commands-apart',
  setup(bundler) {
    bundler.onResolve({ filter: /\/commands\/[a-z-]+\.js$/ }, ({ kind, path }) =>
      kind === 'dynamic-import'
        ? { path: `./commands/${basename(path, '.js')}.cjs`, external: true }
        : undefined,
    );
  },
};

/** What few sessions need, and none at its start, is a bundle apart. */
const preludeApart = {
  name: 'prelude-apart',
  setup(bundler) {
    bundler.onResolve({ filter: /\/begin-prelude\.js$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: '../monitor/begin-prelude.cjs', external: true } : undefined,
    );
  },
};

/** What speaks to other issuers is loaded for the profiles that have one: every command would carry it otherwise. */
const OAUTH_PARTS = ['open-provider', 'issuer-login'];
const OAUTH_PACKAGES = ['oauth4webapi', 'jose'];
const oauthApart = {
  name: 'oauth-apart',
  setup(bundler) {
    const names = [
      ...OAUTH_PARTS.map((name) => `\\/oauth\\/${name}\\.js`),
      ...OAUTH_PACKAGES.map((name) => `^${name}`),
    ];
    bundler.onResolve({ filter: new RegExp(`(${names.join('|')})$`) }, ({ kind, path }) =>
      kind === 'dynamic-import'
        ? { path: `../oauth/${basename(path, '.js')}.cjs`, external: true }
        : undefined,
    );
  },
};

/** All of Redis is a file of its own, with its client, which only those load whose cache is there. */
const redisApart = {
  name: 'redis-apart',
  setup(bundler) {
    bundler.onResolve({ filter: /\/redis-storage\.js$/ }, () => ({
      path: '../redis-storage.cjs',
      external: true,
    }));
  },
};

/** What is imported lazily is left out: who gets there has failed, and begins anew with all of `km`. */
const nothingLater = {
  name: 'nothing-later',
  setup(bundler) {
    bundler.onResolve({ filter: /^[.]/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};

/**
 * Commander can run a command as a program of its own. Ours are none: what would run them, and a network with it, is not
 * loaded.
 */
const noProgramsApart = {
  name: 'no-programs-apart',
  setup(bundler) {
    bundler.onResolve({ filter: /^(node:)?child_process$/ }, ({ importer }) =>
      importer.includes('/commander/') ? { path: 'child_process', namespace: 'later' } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: 'later' }, () => ({
      contents: "exports.spawn = (...args) => require('node:child_process').spawn(...args);",
    }));
  },
};

const options = {
  outdir,
  outbase: join(root, 'src'),
  bundle: true,
  platform: 'node',
  // CommonJS starts faster than ES modules.
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  target: `node${oldestNode}`,
  conditions: ['@kilometers/source'],
  // The library finds its keyring program by `import.meta.url`, which CommonJS has not: `km` names it itself.
  define: { KM_VERSION: JSON.stringify(version), 'import.meta.url': 'undefined' },
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};

/** What the commander of this very build says, so that it is written down nowhere else. */
async function helpTexts() {
  const { outputFiles } = await build({
    ...options,
    entryPoints: [join(root, 'src/help-texts.ts')],
    plugins: [commandsApart],
    write: false,
  });
  const bundle = { exports: {} };
  runInThisContext(`(function (module, exports, require) {${outputFiles[0].text}})`)(
    bundle,
    bundle.exports,
    createRequire(import.meta.url),
  );
  return bundle.exports.helpTexts(version);
}

const commands = readdirSync(join(root, 'src/commands')).map((file) => join(root, 'src/commands', file));
const dev = join(root, 'src/commands/dev.ts');
const monitor = join(root, 'src/commands/monitor.ts');
const status = join(root, 'src/commands/auth-status.ts');
const apart = [dev, monitor, status];
const results = await Promise.all([
  build({
    ...options,
    entryPoints: [join(root, 'src/main.ts')],
    plugins: [commandsApart, noProgramsApart],
    // Our own commands by `require`: the loader of ES modules need not start.
    supported: { 'dynamic-import': false },
  }),
  build({
    ...options,
    // What scripts start most often: as little as can be, and nothing for later.
    entryPoints: [join(root, 'src/token-hit.ts')],
    plugins: [nothingLater],
    minify: true,
  }),
  build({ ...options, entryPoints: [join(root, 'src/help-at-once.ts')], minify: true }),
  build({
    ...options,
    // The command, and what runs it without the rest of `km`.
    entryPoints: { 'commands/monitor': join(root, 'src/monitor-at-once.ts') },
    plugins: [preludeApart, oauthApart],
    supported: { 'dynamic-import': false },
    minify: true,
  }),
  build({ ...options, entryPoints: [dev], external: ['@kilometers/local-api'] }),
  build({
    ...options,
    entryPoints: [
      ...commands.filter((command) => !apart.includes(command)),
      join(root, 'src/monitor/capture-thread-main.ts'),
      join(root, 'src/monitor/begin-prelude.ts'),
    ],
    external: ['@kilometers/local-api'],
    plugins: [oauthApart, redisApart],
    // What is loaded from a compiled bundle is found by `require` only.
    supported: { 'dynamic-import': false },
  }),
  build({
    ...options,
    // As of the monitor.
    entryPoints: { 'commands/auth-status': join(root, 'src/status-at-once.ts') },
    plugins: [oauthApart, redisApart],
    supported: { 'dynamic-import': false },
    minify: true,
  }),
  build({
    ...options,
    entryPoints: Object.fromEntries([
      ...OAUTH_PARTS.map((name) => [`oauth/${name}`, join(root, 'src/oauth', `${name}.ts`)]),
      ...OAUTH_PACKAGES.map((name) => [`oauth/${name}`, name]),
    ]),
    plugins: [oauthApart],
    supported: { 'dynamic-import': false },
  }),
  build({
    ...options,
    entryPoints: [join(root, '../auth/src/caches/redis/redis-storage.ts')],
    outbase: join(root, '../auth/src/caches/redis'),
    minify: true,
  }),
  build({
    ...options,
    entryPoints: [join(root, '../auth/src/caches/file/keyring-child.ts')],
    outbase: join(root, '../auth/src/caches/file'),
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    external: ['@napi-rs/keyring'],
  }),
  build({
    ...options,
    // The page of km dashboard, for browsers: one file of each kind.
    entryPoints: { page: join(root, 'src/dashboard/page/main.tsx') },
    outdir: join(outdir, 'dashboard'),
    outbase: undefined,
    outExtension: {},
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
  }),
]);
const help = join(outdir, 'help.json');
writeFileSync(help, JSON.stringify(await helpTexts()));
const page = join(outdir, 'dashboard/index.html');
copyFileSync(join(root, 'src/dashboard/page/index.html'), page);
const licences = join(outdir, 'LICENSES.txt');
writeFileSync(licences, licenceTexts(bundledPackages(results.map(({ metafile }) => metafile))));
// What an earlier build left goes last, so that a `km` that runs meanwhile finds its commands.
const built = new Set([
  help,
  licences,
  page,
  ...results.flatMap(({ metafile }) => Object.keys(metafile.outputs)).map((file) => resolve(file)),
]);
for (const entry of readdirSync(outdir, { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath, entry.name);
  if (entry.isFile() && !built.has(file)) rmSync(file);
}
chmodSync(join(root, 'bin/km.cjs'), 0o755);
await buildManPage(root, version, { ...options, plugins: [nothingLater] });
