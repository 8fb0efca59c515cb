// Publishes the packed packages of this version, each after those it depends on. What the registry has already is left
// out, so that a run that came halfway can be repeated. Usage, in CI of a tag: node scripts/release/publish.mjs FOLDER
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { publishedPackages } from './plan.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const [folder] = process.argv.slice(2);

function tarballOf({ name, version }) {
  // With ./ in front: FOLDER/NAME alone is a repository to npm.
  return `./${folder}/${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
}

function isPublished({ name, version }) {
  const { status, stdout } = spawnSync('npm', ['view', `${name}@${version}`, 'version'], {
    encoding: 'utf8',
  });
  return status === 0 && stdout.trim() !== '';
}

const manifests = publishedPackages(ROOT).map(({ manifest }) => manifest);
const tag = process.env.GITHUB_REF_NAME;
const expected = `v${manifests[0].version}`;
if (tag === expected) {
  for (const manifest of manifests.filter((one) => !isPublished(one))) {
    const words = ['publish', '--provenance', '--access', 'public', tarballOf(manifest)];
    execFileSync('npm', words, { cwd: ROOT, stdio: 'inherit' });
  }
} else {
  console.error(`The tag ${tag} is not ${expected}, the version of the packages: nothing was published.`);
  process.exitCode = 1;
}
