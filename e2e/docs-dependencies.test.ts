import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SECTIONS = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8').split(/^## /m).slice(1);

type Manifest = Readonly<
  Partial<Record<'dependencies' | 'optionalDependencies' | 'peerDependencies' | 'devDependencies', object>>
>;

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, 'packages', folder, 'package.json'), 'utf8')) as Manifest;
}

function sectionOf(folder: string): string {
  return SECTIONS.find((section) => section.startsWith(`@kilometers/${folder}\n`)) ?? '';
}

test.each(['auth', 'cli', 'local-api'])(
  'docs/dependencies.md has a row for each dependency of %s, and no other',
  (folder) => {
    const { dependencies, optionalDependencies, peerDependencies } = manifestOf(folder);
    const declared = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    const rows = [...sectionOf(folder).matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name);
    expect(rows.sort()).toEqual(declared.sort());
  },
);

test('docs/dependencies.md names what is bundled into km', () => {
  const tools = ['esbuild'];
  const bundled = Object.keys(manifestOf('cli').devDependencies ?? {}).filter(
    (name) => !tools.includes(name),
  );
  for (const name of bundled) expect(sectionOf('cli')).toContain(`\`${name}\``);
});
