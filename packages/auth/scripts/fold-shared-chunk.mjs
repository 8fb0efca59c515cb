import { basename } from 'node:path';
import { build } from 'esbuild';

const ENTRY = 'index.js';
/** What stands for the entry with all that is shared. */
const WHOLE = 'whole';

/** The one output that is neither the entry nor loaded later, and what the later ones take from it. */
function sharedChunk(outputs) {
  const shared = [...outputs].filter(
    ([, { exports, entryPoint }]) => entryPoint === undefined && exports.length > 0,
  );
  if (shared.length !== 1) throw new Error(`one shared chunk is expected, not ${shared.length}`);
  const [[name, { exports }]] = shared;
  return { name, exports };
}

/** Whether the entry imports `name` and exports it as it is. */
function passesOn(text, name) {
  const lists = [...text.matchAll(/(?:import|export) \{([^}]*)\}/g)].map(([, list]) => list.split(/\s*,\s*/));
  return lists.filter((list) => list.some((item) => item.trim() === name)).length === 2;
}

/**
 * The second pass. What the entry and the later chunk share is a third file after the first pass, which every program
 * would load as well. Here it becomes part of the entry, and the later chunk takes it from there.
 */
export async function foldSharedChunk({ outputFiles, metafile }, options) {
  const texts = new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
  const shared = sharedChunk(outputs);
  const isPublic = (name) => outputs.get(ENTRY).exports.includes(name);
  const added = shared.exports.filter((name) => !isPublic(name));
  const renamed = shared.exports.find((name) => isPublic(name) && !passesOn(texts.get(ENTRY), name));
  if (renamed !== undefined)
    throw new Error(`${renamed} is the name of two things: give one of them another`);
  texts.set(WHOLE, `export * from './${ENTRY}'; export { ${added.join(', ')} } from './${shared.name}';`);
  const fromMemory = {
    name: 'from-memory',
    setup(bundler) {
      bundler.onResolve({ filter: /^[.][/]/ }, ({ path, importer, kind }) => {
        const name = basename(path);
        if (kind === 'entry-point' || (kind !== 'dynamic-import' && [WHOLE, ENTRY].includes(importer)))
          return { path: name, namespace: 'memory' };
        return { path: name === shared.name ? `./${ENTRY}` : path, external: true };
      });
      bundler.onLoad({ filter: /.*/, namespace: 'memory' }, ({ path }) => ({
        contents: texts.get(path),
        resolveDir: options.absWorkingDir,
      }));
    },
  };
  const names = [...texts.keys()].filter((name) => name !== shared.name && name !== WHOLE);
  return build({
    ...options,
    splitting: false,
    entryPoints: names.map((name) => ({
      in: `./${name === ENTRY ? WHOLE : name}`,
      out: basename(name, '.js'),
    })),
    plugins: [fromMemory],
  });
}
