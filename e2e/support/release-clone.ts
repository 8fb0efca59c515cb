import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { temporaryFolder } from './folder.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const CHANGELOG = '# Changelog\n\nFor users.\n\n## Unreleased\n\nFirst version.\n\n- It works.\n';

/** No registry is asked, and nobody is known but by the clone. */
const ENVIRONMENT = {
  ...process.env,
  npm_config_offline: 'true',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

export type Manifest = Readonly<{ version: string; dependencies?: Readonly<Record<string, string>> }>;

const PUBLISHED = ['packages/auth', 'packages/local-api', 'packages/cli'];

/** What a release reads, runs and writes. */
const FILES = [
  ...['scripts', '.changeset', '.ci', '.npmrc', '.gitignore', 'package.json', 'package-lock.json'],
  ...['.prettierrc.json', '.prettierignore'],
  ...['packages/auth', 'packages/local-api', 'packages/cli', 'examples', 'e2e'].map((folder) =>
    join(folder, 'package.json'),
  ),
];

/** A repository on main of what is released from as it is here, with nothing to release yet and no history. */
export class ReleaseClone {
  readonly folder = join(temporaryFolder(), 'clone');

  constructor() {
    for (const name of FILES) cpSync(join(ROOT, name), join(this.folder, name), { recursive: true });
    this.git('init', '--quiet', '--initial-branch', 'main');
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
    this.write('.git/info/exclude', 'node_modules\n');
    for (const file of this.changesets()) rmSync(join(this.folder, '.changeset', file));
    this.write('CHANGELOG.md', CHANGELOG);
    // Never those of the repository: they begin with `npm ci`, which would empty the `node_modules` that is linked to.
    this.replaceChecks('exit 1');
    for (const folder of PUBLISHED) this.changeManifest(folder, { repository: 'https://git.example.com/km' });
    this.git('config', 'user.name', 'Someone');
    this.git('config', 'user.email', 'someone@example.com');
    this.commit();
  }

  git(...words: string[]): string {
    return execFileSync('git', words, { cwd: this.folder, encoding: 'utf8' }).trim();
  }

  write(file: string, content: string): void {
    writeFileSync(join(this.folder, file), content);
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  manifest(folder: string): Manifest {
    return JSON.parse(this.read(join(folder, 'package.json'))) as Manifest;
  }

  changeManifest(folder: string, change: Readonly<Record<string, unknown>>): void {
    const manifest = { ...this.manifest(folder), ...change };
    this.write(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  }

  changesets(): string[] {
    const files = readdirSync(join(this.folder, '.changeset'));
    return files.filter((file) => file.endsWith('.md') && file !== 'README.md');
  }

  /** Makes the remote `origin` of what is here, and pushes main to it. */
  pushToNewOrigin(): void {
    const origin = join(this.folder, '..', 'origin.git');
    this.git('init', '--quiet', '--bare', '--initial-branch', 'main', origin);
    this.git('remote', 'add', 'origin', origin);
    this.git('push', '--quiet', 'origin', 'main');
  }

  addChangeset(name: string, type: string, summary: string): void {
    this.write(`.changeset/${name}.md`, `---\n'@kilometers/auth': ${type}\n---\n\n${summary}\n`);
  }

  commit(): void {
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '--message', 'A change');
  }

  node(...words: string[]): Readonly<{ status: number | null; stdout: string; stderr: string }> {
    return spawnSync(process.execPath, words, { cwd: this.folder, encoding: 'utf8', env: ENVIRONMENT });
  }

  dryRun(): ReturnType<ReleaseClone['node']> {
    return this.node('scripts/release.mjs', '--dry-run');
  }

  /** A whole release, but for the checks: `.ci/run` ends with this code. */
  release({ checksEndWith }: { readonly checksEndWith: number }): ReturnType<ReleaseClone['node']> {
    this.replaceChecks(`exit ${checksEndWith}`);
    this.commit();
    return this.releaseAgain();
  }

  releaseAgain(): ReturnType<ReleaseClone['node']> {
    return this.node('scripts/release.mjs');
  }

  /** A release that is stopped by this signal as soon as its checks run. */
  async stoppedRelease(signal: NodeJS.Signals): Promise<Readonly<{ status: unknown; stderr: string }>> {
    this.replaceChecks(`kill -${signal.slice('SIG'.length)} $PPID; exec sleep 60`);
    this.commit();
    const release = spawn(process.execPath, ['scripts/release.mjs'], {
      cwd: this.folder,
      env: ENVIRONMENT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(release, 'close');
    const stderr = await text(release.stderr);
    const [status] = (await ended) as unknown[];
    return { status, stderr };
  }

  /** What `npm run release` writes before the checks run. */
  applyPlan(): void {
    const program = `
      import { applyPlan, releasePlan } from './scripts/release/plan.mjs';
      await applyPlan('.', releasePlan('.', '2026-01-31'));`;
    expect(this.node('--input-type=module', '-e', program)).toMatchObject({ status: 0, stderr: '' });
  }

  private replaceChecks(command: string): void {
    this.write('.ci/run', `#!/bin/sh\n${command}\n`);
  }
}
