import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';

const PROGRAM = new URL('../scripts/stale-output.mjs', import.meta.url);

let library: string;

beforeEach(() => {
  library = temporaryFolder();
});

function write(...files: readonly string[]): void {
  for (const file of files) {
    mkdirSync(dirname(join(library, file)), { recursive: true });
    writeFileSync(join(library, file), '');
  }
}

const left = (files: readonly string[]): readonly string[] =>
  files.filter((file) => existsSync(join(library, file)));

const outputsOf = (...names: readonly string[]): string[] =>
  names.flatMap((name) => ['js', 'js.map', 'd.ts', 'd.ts.map'].map((suffix) => `dist/${name}.${suffix}`));

describe('what an earlier build left of a library', () => {
  test('goes where its source is gone, and all else stays', () => {
    write('src/index.ts', 'src/store/rows.ts');
    const made = [...outputsOf('index', 'store/rows'), 'dist/.tsbuildinfo'];
    const stale = outputsOf('gone', 'store/gone', 'index.gone', 'folder/index');
    write(...made, ...stale);
    execFileSync(process.execPath, [PROGRAM.pathname, library]);
    expect(left(made)).toEqual(made);
    expect(left([...stale, 'dist/folder'])).toEqual([]);
  });

  test('goes where a bundler no longer makes it, also if it is named as a source', () => {
    write('src/index.ts', 'src/part.ts');
    const made = [
      'dist/index.js',
      'dist/index.js.map',
      'dist/index.d.ts',
      'dist/part.d.ts',
      'dist/x-A1B2.js',
    ];
    const stale = ['dist/part.js', 'dist/part.js.map', 'dist/y-A1B2.js', 'dist/gone.d.ts'];
    write(...made, ...stale);
    const bundles = made.slice(0, 2).concat('dist/x-A1B2.js');
    const words = bundles.map((file) => JSON.stringify(join(library, file)));
    const program = `
      import { removeStaleOutput } from '${PROGRAM.href}';
      removeStaleOutput('${library}', new Set([${words.join()}]));`;
    execFileSync(process.execPath, ['--input-type=module', '-e', program]);
    expect(left(made)).toEqual(made);
    expect(left(stale)).toEqual([]);
  });

  test('is left alone where nothing was built', () => {
    execFileSync(process.execPath, [PROGRAM.pathname, library]);
    expect(existsSync(join(library, 'dist'))).toBe(false);
  });
});
