import { beforeEach, describe, expect, test } from 'vitest';
import { CHANGELOG, ReleaseClone, type Manifest } from './support/release-clone.js';

const PACKAGES = ['packages/auth', 'packages/local-api', 'packages/cli', 'examples', 'e2e'];

let clone: ReleaseClone;
let current: string;

beforeEach(() => {
  clone = new ReleaseClone();
  current = clone.manifest('packages/auth').version;
});

describe('npm run release', () => {
  test('shows with --dry-run what it would do, and changes nothing', () => {
    const before = clone.git('rev-parse', 'HEAD');
    const { status, stdout, stderr } = clone.dryRun();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(
      new RegExp(`## ${current} \\(\\d{4}-\\d\\d-\\d\\d\\)\n\nFirst version.\n\n- It works.\n`),
    );
    expect(clone.git('rev-parse', 'HEAD')).toBe(before);
    expect(clone.git('status', '--porcelain', '--ignored')).toBe('!! node_modules');
    expect(clone.git('tag')).toBe('');
  });

  test('ends with what makes CI publish, which is to push the commit with its tag', () => {
    const { stdout } = clone.dryRun();
    expect(stdout).toContain(`\n  git push --atomic origin main v${current}\n`);
    expect(stdout).toContain('.github/workflows/release.yml');
    expect(stdout).not.toContain('npm publish');
  });

  test('checks, commits and tags, and publishes nothing', () => {
    const { status, stdout } = clone.release({ checksEndWith: 0 });
    expect(status).toBe(0);
    expect(stdout).toContain(`${current} is ready, and not published.`);
    expect(clone.git('status', '--porcelain')).toBe('');
    expect(clone.git('log', '-1', '--format=%s')).toBe(`Release ${current}`);
    expect(clone.git('rev-parse', `v${current}^{commit}`)).toBe(clone.git('rev-parse', 'HEAD'));
    expect(clone.read('CHANGELOG.md')).toContain(`## ${current} (`);
  });

  test('commits nothing when a check fails, and says how to take back what was written', () => {
    const { status, stderr } = clone.release({ checksEndWith: 1 });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^A check failed, and nothing was committed\. .*git restore \.$/m);
    expect(clone.git('log', '-1', '--format=%s')).toBe('A change');
    expect(clone.git('tag')).toBe('');
    clone.git('restore', '.');
    expect(clone.git('status', '--porcelain')).toBe('');
  });

  test('makes a version of main only, and only of what is committed', () => {
    clone.write('CHANGELOG.md', `${CHANGELOG}- And more.\n`);
    expect(clone.dryRun()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('M CHANGELOG.md') as string,
    });
    clone.commit();
    clone.git('switch', '--quiet', '--create', 'aside');
    expect(clone.dryRun()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('this is aside') as string,
    });
  });

  test('makes no version where main lacks what is on main of origin, and says what to do', () => {
    clone.pushToNewOrigin();
    expect(clone.dryRun().status).toBe(0);
    clone.commit();
    clone.git('push', '--quiet', 'origin', 'main');
    clone.git('reset', '--quiet', '--keep', 'HEAD~1');
    clone.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    expect(clone.releaseAgain()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("lacks 1 of origin's commits: git pull") as string,
    });
    clone.git('pull', '--quiet', '--rebase', 'origin', 'main');
    expect(clone.dryRun()).toMatchObject({ status: 0, stderr: '' });
  });

  test('makes no version where origin cannot be asked', () => {
    clone.git('remote', 'add', 'origin', '/nowhere');
    expect(clone.releaseAgain()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('origin cannot be asked') as string,
    });
    expect(clone.git('tag')).toBe('');
  });

  test('makes no version that npm would refuse; --dry-run says so', () => {
    clone.changeManifest('packages/cli', { repository: undefined });
    clone.commit();
    const refusal = 'npm refuses provenance without "repository" in package.json: @kilometers/cli.';
    expect(clone.releaseAgain()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(refusal) as string,
    });
    expect(clone.git('tag')).toBe('');
    const { status, stdout } = clone.dryRun();
    expect(status).toBe(0);
    expect(stdout).toContain(refusal);
  });

  test('says how to take the tag back before it is pushed', () => {
    expect(clone.dryRun().stdout).toContain(`git tag --delete v${current}`);
  });

  test('says that there is nothing to release where the changesets are of no package', () => {
    clone.git('tag', `v${current}`);
    clone.write('.changeset/nothing.md', '---\n---\n\nOnly tests.\n');
    clone.commit();
    expect(clone.dryRun()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is nothing to release') as string,
    });
  });

  test('gives the first version the words of the changesets, and no other number', () => {
    clone.addChangeset('more', 'minor', 'It does more.');
    clone.commit();
    clone.applyPlan();
    expect(clone.read('CHANGELOG.md')).toBe(
      CHANGELOG.replace('Unreleased', `${current} (2026-01-31)`) + '- It does more.\n',
    );
    expect(clone.manifest('packages/auth').version).toBe(current);
    expect(clone.changesets()).toEqual([]);
  });

  test('gives all packages the next version, and uses the changesets up', () => {
    clone.write('CHANGELOG.md', CHANGELOG.replace('Unreleased', `${current} (2026-01-01)`));
    clone.addChangeset('mended', 'patch', 'It no longer fails.\nNot even twice.');
    clone.addChangeset('gone', 'major', 'The old way is gone.');
    clone.commit();
    clone.git('tag', `v${current}`);
    clone.applyPlan();
    const next = `${Number(current.split('.')[0]) + 1}.0.0`;
    expect(PACKAGES.map((folder) => clone.manifest(folder).version)).toEqual(PACKAGES.map(() => next));
    expect(clone.manifest('packages/cli').dependencies).toEqual({ '@kilometers/local-api': next });
    const { packages } = JSON.parse(clone.read('package-lock.json')) as {
      readonly packages: Readonly<Record<string, Manifest>>;
    };
    expect(PACKAGES.map((folder) => packages[folder]?.version)).toEqual(PACKAGES.map(() => next));
    expect(clone.read('CHANGELOG.md')).toBe(
      '# Changelog\n\nFor users.\n\n' +
        `## ${next} (2026-01-31)\n\n- **Breaking.** The old way is gone.\n- It no longer fails.\n  Not even twice.\n\n` +
        `## ${current} (2026-01-01)\n\nFirst version.\n\n- It works.\n`,
    );
    expect(clone.changesets()).toEqual([]);
  });

  test('writes the changelog as lint wants it, also where a changeset has paragraphs', () => {
    clone.addChangeset('wide', 'patch', 'It ends.\n\nAt once,\nin each case.');
    clone.addChangeset('wider', 'patch', 'It begins.');
    clone.commit();
    clone.applyPlan();
    expect(clone.read('CHANGELOG.md')).toContain(
      '- It ends.\n\n  At once,\n  in each case.\n\n- It begins.\n',
    );
    const prettier = clone.node('node_modules/prettier/bin/prettier.cjs', '--check', 'CHANGELOG.md');
    expect(prettier).toMatchObject({ status: 0, stderr: '' });
  });

  test('says so where nothing changed since the last version', () => {
    clone.git('tag', `v${current}`);
    expect(clone.dryRun()).toMatchObject({
      status: 1,
      stderr: `${current} is released and nothing changed since: a change adds a changeset, with npx changeset.\n`,
    });
  });
});
