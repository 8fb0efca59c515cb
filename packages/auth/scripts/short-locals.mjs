import { transform } from 'esbuild';

const IMPORTS = /^(?:import\{[^}]*\}from"[^"]*";)*/;

/**
 * A bundle, and its source map, with short names for what is private. What is declared at the top keeps its name, as
 * public methods do: those are in the stack traces of our users. To a minifier that is a script, whose variables others may use:
 * what makes it a module is taken off, and put back.
 */
export async function withShortLocals({ code, map }) {
  const end = code.lastIndexOf('export{');
  if (end === -1) return { code, map };
  const [imports] = IMPORTS.exec(code);
  const inlineMap = Buffer.from(map).toString('base64');
  const script =
    ' '.repeat(imports.length) +
    code.slice(imports.length, end) +
    `\n//# sourceMappingURL=data:application/json;base64,${inlineMap}`;
  const short = await transform(script, {
    minify: true,
    treeShaking: false,
    sourcemap: 'external',
    sourcesContent: false,
  });
  const { mappings, ...rest } = JSON.parse(short.map);
  return {
    code: `${imports}\n${short.code.trimEnd()}\n${code.slice(end)}`,
    // One line further down.
    map: JSON.stringify({ ...rest, mappings: `;${mappings}` }),
  };
}
