import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { CHANGELOG, ReleaseClone } from './support/release-clone.js';

let clone: ReleaseClone;
let current: string;

beforeEach(() => {
  clone = new ReleaseClone();
  current = clone.manifest('packages/auth').version;
});

function refuseCommitsOfReleases(): void {
  const hook = '.git/hooks/commit-msg';
  clone.write(hook, '#!/bin/sh\n! grep -q ^Release "$1"\n');
  chmodSync(join(clone.folder, hook), 0o755);
}

function expectNothingIsLeft(): void {
  expect(clone.git('log', '-1', '--format=%s')).toBe('A change');
  clone.git('restore', '.');
  expect(clone.git('status', '--porcelain')).toBe('');
  expect(clone.git('tag')).toBe('');
}

describe('npm run release that fails', () => {
  test('begins nothing where git does not know who commits, and says what to set', () => {
    for (const name of ['name', 'email']) clone.git('config', '--unset', `user.${name}`);
    clone.git('config', 'user.useConfigOnly', 'true');
    const { status, stderr } = clone.releaseAgain();
    expect(status).toBe(1);
    expect(stderr).toContain('git config user.email');
    expect(clone.git('status', '--porcelain')).toBe('');
  });

  test('at the commit says how to take back what was written', () => {
    refuseCommitsOfReleases();
    const { status, stderr } = clone.release({ checksEndWith: 0 });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^The commit failed, and nothing was committed\. .*git restore \.$/m);
    expectNothingIsLeft();
  });

  test('at the tag is ended by the next one, which only tags', () => {
    clone.git('config', 'tag.gpgSign', 'true');
    clone.git('config', 'gpg.program', 'false');
    const { status, stderr } = clone.release({ checksEndWith: 0 });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^The commit is made, .*npm run release/m);

    clone.git('config', 'tag.gpgSign', 'false');
    const commit = clone.git('rev-parse', 'HEAD');
    expect(clone.dryRun().stdout).toContain('Would now tag');
    expect(clone.git('tag')).toBe('');
    const again = clone.releaseAgain();
    expect(again).toMatchObject({ status: 0, stderr: '' });
    expect(again.stdout).toContain(`${current} is ready, and not published.`);
    expect(clone.git('rev-parse', `v${current}^{commit}`)).toBe(commit);
    expect(clone.git('rev-parse', 'HEAD')).toBe(commit);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'for %s while its checks run says how to take back what was written',
    async (signal) => {
      const { status, stderr } = await clone.stoppedRelease(signal);
      expect(status).toBe(signal === 'SIGINT' ? 130 : 143);
      expect(stderr).toMatch(/^Stopped\. .*git restore \.$/m);
      expectNothingIsLeft();
    },
  );

  test.each([
    ['has no tags', () => undefined],
    [
      'has the released commit from elsewhere',
      () => {
        clone.git('commit', '--quiet', '--allow-empty', '--message', `Release ${current}`);
        clone.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
      },
    ],
  ])('begins nothing in a clone that %s, and says what to fetch', (_name, given) => {
    clone.write('CHANGELOG.md', CHANGELOG.replace('Unreleased', `${current} (2026-01-01)`));
    clone.addChangeset('more', 'minor', 'It does more.');
    clone.commit();
    given();
    const { status, stderr } = clone.releaseAgain();
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`${current}.*v${current}.*git fetch --tags`));
    expect(clone.git('tag')).toBe('');
    expect(clone.git('status', '--porcelain')).toBe('');
  });
});
