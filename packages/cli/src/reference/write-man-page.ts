import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CommandContext } from '../command-context.js';
import { createProgram } from '../program.js';
import { manPage } from './man-page.js';
import { MAN_SECTIONS } from './man-sections.js';

/** Writes the man page of this version to `path`. For the build: no command runs. */
export function writeManPage(path: string, version: string): void {
  const program = createProgram({ version } as CommandContext, () => undefined);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, manPage(program, { version, sections: MAN_SECTIONS }));
}
