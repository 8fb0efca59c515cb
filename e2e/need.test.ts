import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Ends at once what is limited, as if its time were over; a package that is installed is there. */
const PROGRAMS = {
  id: 'echo 0',
  timeout: 'echo "limited: $*"; exit 124',
  'apt-get': 'for last; do :; done; cp "$FOLDER/id" "$FOLDER/$last-command"; echo "not limited: $*"',
};

test('a list of packages that does not come holds nobody up, and what is missing is installed', () => {
  const folder = temporaryFolder();
  for (const [name, body] of Object.entries(PROGRAMS)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const script = '. scripts/ci/need.sh; need one-command one && need two-command two && echo both';
  const { stdout } = spawnSync('bash', ['-c', script], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { FOLDER: folder, PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` },
  });
  const lines = stdout.trim().split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/^limited: .* apt-get update/) as string,
    expect.stringMatching(/^not limited: install .* one$/) as string,
    expect.stringMatching(/^not limited: install .* two$/) as string,
    'both',
  ]);
});

test('README and CONTRIBUTING name all that npm test installs', () => {
  const needs = readFileSync(join(ROOT, 'scripts/test-needs.sh'), 'utf8');
  const packages = [...needs.matchAll(/^need \S+ (\S+)$/gm)].map(([, name]) => name ?? '');
  expect(packages.length).toBeGreaterThan(5);
  for (const file of ['README.md', 'CONTRIBUTING.md']) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const sentence = /`npm test` installs[^:]*:[^.]*\./.exec(text)?.[0] ?? '';
    for (const name of packages) expect(sentence, file).toContain(`\`${name}\``);
  }
});
