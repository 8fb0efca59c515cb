// What the next version is, read from the repository; and how it is written into it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newestReleased, releasedChangelog } from './changelog.mjs';

/** All packages have one version (`fixed` in .changeset/config.json); this one is asked for it. */
const ONE_OF_THEM = '@kilometers/auth';

function run(root, command, words) {
  return execFileSync(command, words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function changeset(root, ...words) {
  return run(root, process.execPath, [path.join(root, 'node_modules/@changesets/cli/bin.js'), ...words]);
}

function readJson(...parts) {
  return JSON.parse(readFileSync(path.join(...parts), 'utf8'));
}

/** The packages that are published, in the order of `workspaces`: each after those it depends on. */
export function publishedPackages(root) {
  return readJson(root, 'package.json')
    .workspaces.map((folder) => ({ folder, manifest: readJson(root, folder, 'package.json') }))
    .filter(({ manifest }) => manifest.private !== true);
}

/** The changesets, and what they make of the versions. */
function pending(root) {
  const folder = mkdtempSync(path.join(tmpdir(), 'km-release-'));
  try {
    const file = path.join(folder, 'plan.json');
    changeset(root, 'status', '--output', path.relative(root, file));
    return JSON.parse(readFileSync(file, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function hasTag(root, version) {
  return run(root, 'git', ['tag', '--list', `v${version}`]).trim() !== '';
}

/** A released version that has no tag here, and whether it was committed here and only its tag is left to make. */
function untagged(root) {
  const version = newestReleased(readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8'));
  if (version === undefined || hasTag(root, version)) return undefined;
  const isCommit = run(root, 'git', ['log', '-1', '--format=%s']).trim() === `Release ${version}`;
  // A release is pushed with its tag: what is pushed is tagged, and the tag is only not fetched.
  const isPushed = run(root, 'git', ['branch', '--remotes', '--contains', 'HEAD']).trim() !== '';
  return { version, isUnfinished: isCommit && !isPushed };
}

/** The version whose release came to its commit and not to its tag; nothing where there is none. */
export function unfinishedVersion(root) {
  const found = untagged(root);
  return found?.isUnfinished ? found.version : undefined;
}

function isKnownToGit(root, role) {
  try {
    run(root, 'git', ['var', `GIT_${role}_IDENT`]);
    return true;
  } catch {
    return false;
  }
}

/** Whoever pushes a release that is made of an older main has a tag on a commit that is not on main. */
function whyNotOfOrigin(root) {
  if (!run(root, 'git', ['remote']).split('\n').includes('origin')) return undefined;
  try {
    run(root, 'git', ['fetch', '--quiet', 'origin', 'main']);
  } catch (error) {
    return `Whether this is the newest main is not known, since origin cannot be asked:\n${error.stderr}`.trim();
  }
  const behind = Number(run(root, 'git', ['rev-list', '--count', 'HEAD..FETCH_HEAD']));
  if (behind === 0) return undefined;
  return `A version is made of the newest main, and this lacks ${behind} of origin's commits: git pull --rebase origin main`;
}

/** Why a version cannot be made of what is here; nothing where it can. */
export function whyNotReady(root) {
  const branch = run(root, 'git', ['branch', '--show-current']).trim();
  if (branch !== 'main')
    return `A version is made of main, and this is ${branch || 'no branch'}: git switch main`;
  const changed = run(root, 'git', ['status', '--porcelain']).trim();
  if (changed) return `A version is made of what is committed, and this is not:\n${changed}`;
  if (!['AUTHOR', 'COMMITTER'].every((role) => isKnownToGit(root, role)))
    return 'git does not know who commits: git config user.name NAME; git config user.email ADDRESS';
  const notOfOrigin = whyNotOfOrigin(root);
  if (notOfOrigin) return notOfOrigin;
  const found = untagged(root);
  if (!found || found.isUnfinished) return undefined;
  const { version } = found;
  return (
    `CHANGELOG.md has ${version} as released, and there is no tag v${version} here: git fetch --tags\n` +
    `Where that brings none, tag the commit that released it: git tag --annotate v${version} COMMIT`
  );
}

/**
 * A version without a tag was never released: it is released as it is, whatever the changesets say. The next one is
 * what they add up to.
 */
export function releasePlan(root, date) {
  const current = publishedPackages(root)[0].manifest.version;
  const isFirst = !hasTag(root, current);
  const { changesets, releases } = pending(root);
  if (!isFirst && changesets.length === 0)
    throw new Error(
      `${current} is released and nothing changed since: a change adds a changeset, with npx changeset.`,
    );
  const next = releases.find(({ name }) => name === ONE_OF_THEM)?.newVersion;
  if (!isFirst && next === undefined)
    throw new Error(
      `${current} is released, and the changesets since then are of no package: there is nothing to release.`,
    );
  const version = isFirst ? current : next;
  const changes = changesets.map(({ summary, releases: of }) => ({
    summary,
    type: ['major', 'minor', 'patch'].find((type) => of.some((one) => one.type === type)) ?? 'patch',
  }));
  const changelog = releasedChangelog({
    text: readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8'),
    version,
    date,
    changes,
  });
  return {
    version,
    tag: `v${version}`,
    isFirst,
    changelog,
    files: changesets.map(({ id }) => `.changeset/${id}.md`),
  };
}

/** As lint wants a file to be. Loaded late: a clone that is not installed is to say so, and has no prettier. */
async function formatted(file, text) {
  const { format, resolveConfig } = await import('prettier');
  return format(text, { ...(await resolveConfig(file)), filepath: file });
}

/** Writes the plan into the work tree: versions, lockfile, CHANGELOG.md; the changesets are used up. */
export async function applyPlan(root, { isFirst, changelog, files }) {
  const file = path.join(root, 'CHANGELOG.md');
  writeFileSync(file, await formatted(file, changelog.text));
  if (!isFirst) {
    changeset(root, 'version');
    run(root, 'npm', ['install', '--package-lock-only', '--ignore-scripts', '--prefer-offline']);
  }
  for (const file of files) rmSync(path.join(root, file), { force: true });
}

/** Why npm would refuse what is published with provenance; nothing where it would not. */
export function whyNotPublishable(root) {
  const missing = publishedPackages(root)
    .filter(({ manifest }) => manifest.repository === undefined)
    .map(({ manifest }) => manifest.name);
  if (missing.length === 0) return undefined;
  return `npm refuses provenance without "repository" in package.json: ${missing.join(', ')}.`;
}

/** Whether `npm ci` has been here: without it nothing below works, and says so badly. */
export function isInstalled(root) {
  return existsSync(path.join(root, 'node_modules/@changesets/cli/bin.js'));
}
