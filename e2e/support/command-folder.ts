import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from './folder.js';
import { KM } from './km.js';

/** A `PATH` with `km` and `node` in it, and a command of its own named `name` that is this shell script. */
export function pathWith(name: string, script: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
  return `${folder}:${pathWithKm()}`;
}

/** A `PATH` with `km` and `node` in it. */
export function pathWithKm(): string {
  return [dirname(KM), dirname(process.execPath), process.env['PATH'] ?? ''].join(':');
}
