import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DemoError } from './demo-error.js';

/** A program that came with `npm ci`, run with this process's own Node. */
export type InstalledProgram = { readonly path: string; readonly version: string };

/**
 * Finds the program `bin` of a package.
 *
 * @param needs a file of the package that is there only after a build.
 * @throws {DemoError} when the package is not installed, or not built.
 */
export function findProgram(packageName: string, bin: string, needs?: string): InstalledProgram {
  const folder = packageFolder(packageName);
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const { version, bin: bins } = manifest as { version: string; bin: Readonly<Record<string, string>> };
  const file = bins[bin];
  const missing = [file, needs].find((each) => each !== undefined && !existsSync(join(folder, each)));
  if (file === undefined || missing !== undefined) {
    throw new DemoError(`${packageName} has no ${missing ?? bin}; run "npm run build" first`);
  }
  return { path: join(folder, file), version };
}

function packageFolder(packageName: string): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`));
  } catch {
    throw new DemoError(`${packageName} is not installed; run "npm ci" first`);
  }
}
