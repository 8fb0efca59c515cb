// Makes man/km.1 of the commands' own definitions.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Writes the man page of `version`; `options` are those of the other bundles, without the commands themselves. */
export async function buildManPage(root, version, options) {
  const program = join(root, 'build/write-man-page.cjs');
  const source = join(root, 'src/reference/write-man-page.ts');
  await build({ ...options, entryPoints: [source], outdir: undefined, outbase: undefined, outfile: program });
  createRequire(import.meta.url)(program).writeManPage(join(root, 'man/km.1'), version);
}
