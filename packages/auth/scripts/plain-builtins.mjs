import { readFile } from 'node:fs/promises';

const IMPORT = /^import \{([^}]*)\} from '(node:[a-z/_]+)';$/gm;

/** `a`, `b as c` and `type D`, as what is taken out of an object. */
function destructured(names) {
  return names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '))
    .map((name) => name.replace(' as ', ': '))
    .join(', ');
}

/**
 * Takes Node's own modules as they are. Imported into an ES module, each is wrapped first, which calls every getter
 * it has and loads what is behind them: 4 ms in all.
 */
export const plainBuiltins = {
  name: 'plain-builtins',
  setup(bundler) {
    bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      return {
        contents: text.replace(
          IMPORT,
          (_, names, name) => `const { ${destructured(names)} } = process.getBuiltinModule('${name}');`,
        ),
        loader: 'ts',
      };
    });
    bundler.onEnd(({ metafile }) => {
      const wrapped = Object.values(metafile?.outputs ?? {}).flatMap(({ imports }) =>
        imports.filter(({ path }) => path.startsWith('node:')).map(({ path }) => path),
      );
      return {
        errors: wrapped.map((path) => ({ text: `${path} is imported in a way that is not known here` })),
      };
    });
  },
};
