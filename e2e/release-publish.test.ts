import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { ReleaseClone } from './support/release-clone.js';

/** Notes what it is to publish; `view` knows the packages in PUBLISHED. */
const NPM = `#!/bin/sh
if [ "$1" = view ]; then
  case " $PUBLISHED " in *" $2 "*) echo a version; exit 0 ;; *) exit 1 ;; esac
fi
echo "$@" >>"$PUBLISH_LOG"
`;

let clone: ReleaseClone;
let current: string;

beforeEach(() => {
  clone = new ReleaseClone();
  current = clone.manifest('packages/auth').version;
});

function publish(tag: string, published = ''): { status: number | null; stderr: string; log: string[] } {
  const folder = temporaryFolder();
  const [npm, log] = [join(folder, 'npm'), join(folder, 'log')];
  writeFileSync(npm, NPM);
  chmodSync(npm, 0o755);
  writeFileSync(log, '');
  const path = `${folder}${delimiter}${process.env['PATH'] ?? ''}`;
  const { status, stderr } = spawnSync(process.execPath, ['scripts/release/publish.mjs', 'build/release'], {
    cwd: clone.folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: path, GITHUB_REF_NAME: tag, PUBLISHED: published, PUBLISH_LOG: log },
  });
  return { status, stderr, log: readFileSync(log, 'utf8').split('\n').filter(Boolean) };
}

const commandFor = (name: string): string =>
  `publish --provenance --access public ./build/release/kilometers-${name}-${current}.tgz`;

describe('what CI publishes of a tag', () => {
  test('is every package, with provenance, a package after those it needs', () => {
    expect(publish(`v${current}`)).toEqual({
      status: 0,
      stderr: '',
      log: ['auth', 'local-api', 'cli'].map(commandFor),
    });
  });

  test('is the rest, where an earlier run came halfway', () => {
    const { status, log } = publish(`v${current}`, `@kilometers/auth@${current}`);
    expect({ status, log }).toEqual({ status: 0, log: ['local-api', 'cli'].map(commandFor) });
  });

  test('is nothing where the tag is of another version than the packages', () => {
    const { status, stderr, log } = publish('v99.0.0');
    expect({ status, log }).toEqual({ status: 1, log: [] });
    expect(stderr).toContain(`v99.0.0 is not v${current}`);
  });

  test('is what the workflow checked and kept', () => {
    const workflow = readFileSync(new URL('../.github/workflows/release.yml', import.meta.url), 'utf8');
    expect(workflow).toMatch(/tags: \['v\*'\]/);
    expect(workflow).toMatch(/id-token: write/);
    expect(workflow).toMatch(/fetch-depth: 0\n(.|\n)*merge-base --is-ancestor "\$GITHUB_SHA" origin\/main/);
    expect(workflow).toMatch(/packaging -- --keep build\/release\n(.|\n)*publish\.mjs build\/release\n/);
  });
});
