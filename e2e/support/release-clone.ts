import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { temporaryFolder } from './folder.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const CHANGELOG = '# Changelog\n\nFor users.\n\n## Unreleased\n\nFirst version.\n\n- It works.\n';

export type Manifest = Readonly<{ version: string; dependencies?: Readonly<Record<string, string>> }>;

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
    this.git('config', 'user.name', 'Someone');
    this.git('config', 'user.email', 'someone@example.com');
    this.commit();
  }

  git(...words: string[]): string {
    return execFileSync('git', words, { cwd: this.folder, encoding: 'utf8' }).trim();
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  manifest(folder: string): Manifest {
    return JSON.parse(this.read(join(folder, 'package.json'))) as Manifest;
  }

  changesets(): string[] {
    const files = readdirSync(join(this.folder, '.changeset'));
    return files.filter((file) => file.endsWith('.md') && file !== 'README.md');
  }

  addChangeset(name: string, type: string, summary: string): void {
    this.write(`.changeset/${name}.md`, `---\n'@kilometers/auth': ${type}\n---\n\n${summary}\n`);
  }

  commit(): void {
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '--message', 'A change');
  }

  node(...words: string[]): Readonly<{ status: number | null; stdout: string; stderr: string }> {
    return spawnSync(process.execPath, words, {
      cwd: this.folder,
      encoding: 'utf8',
      // No registry is asked.
      env: { ...process.env, npm_config_offline: 'true' },
    });
  }

  dryRun(): ReturnType<ReleaseClone['node']> {
    return this.node('scripts/release.mjs', '--dry-run');
  }

  /** A whole release, but for the checks: `.ci/run` ends with this code, and packaging does nothing. */
  release({ checksEndWith }: { readonly checksEndWith: number }): ReturnType<ReleaseClone['node']> {
    this.write('.ci/run', `#!/bin/sh\nexit ${checksEndWith}\n`);
    const manifest = JSON.parse(this.read('package.json')) as { scripts: Record<string, string> };
    manifest.scripts['packaging'] = 'echo packaging';
    this.write('package.json', JSON.stringify(manifest));
    this.commit();
    return this.node('scripts/release.mjs');
  }

  /** What `npm run release` writes before the checks run. */
  applyPlan(): void {
    const program = `
      import { applyPlan, releasePlan } from './scripts/release/plan.mjs';
      await applyPlan('.', releasePlan('.', '2026-01-31'));`;
    expect(this.node('--input-type=module', '-e', program)).toMatchObject({ status: 0, stderr: '' });
  }
}
