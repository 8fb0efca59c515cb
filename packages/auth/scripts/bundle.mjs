// Bundles the library: one file for what a program always loads, chunks for what it may never need, and the
// program that talks to the OS keyring. A program that loads fifty files starts more slowly than one that loads two.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { removeStaleOutput } from '../../../scripts/stale-output.mjs';
import { foldSharedChunk } from './fold-shared-chunk.mjs';
import { oneLaterChunk } from './one-later-chunk.mjs';
import { plainBuiltins } from './plain-builtins.mjs';
import { withShortLocals } from './short-locals.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** What most programs never need. */
const LATER = [
  './refreshing.ts',
  './revoking.ts',
  './proved-requests.ts',
  './providers-side.ts',
  './providers/oauth/oauth-connection.ts',
  './providers/oauth/introspection.ts',
  './providers/oauth/browser-login.ts',
  './providers/oauth/issuer-device-login.ts',
  './caches/file/ask-keyring.ts',
  './caches/file/writing-side.ts',
  './caches/redis/redis-storage.ts',
  './entitlements-verifying.ts',
];
const outdir = join(root, 'dist');

const options = {
  absWorkingDir: root,
  outdir,
  // Side by side: the library finds the program by its own address.
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  // The oldest: the first version in the range.
  target: `node${/[\d.]+/.exec(engines.node)[0]}`,
  minifySyntax: true,
  legalComments: 'none',
  sourcesContent: false,
  logLevel: 'warning',
  metafile: true,
};

const parts = await build({
  ...options,
  entryPoints: ['src/index.ts', 'src/caches/file/keyring-child.ts'],
  // What is imported lazily is a file of its own.
  splitting: true,
  plugins: [plainBuiltins, oneLaterChunk(join(root, 'src'), LATER)],
  sourcemap: 'inline',
  write: false,
});
const { outputFiles } = await foldSharedChunk(parts, {
  ...options,
  minifyWhitespace: true,
  sourcemap: true,
  write: false,
});

mkdirSync(outdir, { recursive: true });
const texts = new Map(outputFiles.map(({ path, text }) => [path, text]));
for (const path of [...texts.keys()].filter((file) => file.endsWith('.js'))) {
  const { code, map } = await withShortLocals({ code: texts.get(path), map: texts.get(`${path}.map`) });
  writeFileSync(`${path}.map`, map);
  writeFileSync(path, code);
}
// What an earlier build left goes last, so that a program that starts meanwhile finds its chunks.
removeStaleOutput(root, new Set(texts.keys()));
