// What an earlier build left of a library is published with the rest: tsc removes nothing of a source that is gone.
// Usage, after tsc: node scripts/stale-output.mjs FOLDER...
import { existsSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';

/** Whether tsc makes it, and of a source that is there. */
function hasSource(file, src, isBundled) {
  const [, name, kind] = /^(.*?)\.(d\.ts|js)(?:\.map)?$/.exec(path.basename(file)) ?? [];
  return name !== undefined && (kind === 'd.ts' || !isBundled) && existsSync(path.join(src, `${name}.ts`));
}

function sweep(dist, src, bundles) {
  for (const entry of readdirSync(dist, { withFileTypes: true })) {
    const file = path.join(dist, entry.name);
    if (entry.isDirectory() && existsSync(path.join(src, entry.name))) {
      sweep(file, path.join(src, entry.name), bundles);
    } else if (entry.name !== '.tsbuildinfo' && !bundles?.has(file)) {
      if (!hasSource(file, src, bundles !== undefined)) rmSync(file, { recursive: true });
    }
  }
}

/**
 * Removes from the `dist` of a library what nothing makes any more.
 *
 * @param {string} folder of the library
 * @param {ReadonlySet<string>} [bundles] absolute paths of the programs that a bundler made in the place of tsc's
 */
export function removeStaleOutput(folder, bundles) {
  const dist = path.resolve(folder, 'dist');
  if (existsSync(dist)) sweep(dist, path.resolve(folder, 'src'), bundles);
}

const [started, ...folders] = process.argv.slice(1);
if (started !== undefined && realpathSync(started) === import.meta.filename) {
  for (const folder of folders) removeStaleOutput(folder);
}
