import { resolve } from 'node:path';

/**
 * Whatever is imported lazily is one chunk: with one for each, what two of them share would be a file of its own, and
 * each file costs a program a millisecond.
 */
export function oneLaterChunk(folder, modules) {
  const known = new Set(modules.map((module) => resolve(folder, module)));
  return {
    name: 'one-later-chunk',
    setup(bundler) {
      bundler.onResolve({ filter: /^[.].*[.]js$/ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const source = resolve(resolveDir, path.replace(/js$/, 'ts'));
        return known.has(source)
          ? { path: 'later', namespace: 'later' }
          : { errors: [{ text: `${path} is imported lazily and not known to scripts/bundle.mjs` }] };
      });
      bundler.onLoad({ filter: /^later$/, namespace: 'later' }, () => ({
        contents: modules.map((module) => `export * from ${JSON.stringify(module)};`).join('\n'),
        resolveDir: folder,
      }));
    },
  };
}
