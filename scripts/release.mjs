// Does everything up to publishing a version, and leaves that to a person: checks, versions, CHANGELOG.md, tests, the
// tarballs that were checked, a commit and a tag. Usage: npm run release [-- --dry-run]. --dry-run changes nothing.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import {
  applyPlan,
  isInstalled,
  publishedPackages,
  releasePlan,
  whyNotReady,
  withoutRepository,
} from './release/plan.mjs';

const ROOT = path.resolve(import.meta.dirname, '..');

function show(command, ...words) {
  console.log(`\n$ ${[command, ...words].join(' ')}`);
  execFileSync(command, words, { cwd: ROOT, stdio: 'inherit' });
}

function tarballOf({ name }, version) {
  return `build/${version}/${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
}

/** What a person does next. `--provenance` signs where the packages were made, which only CI can. */
function lastSteps({ version, tag }) {
  const lines = publishedPackages(ROOT).map(
    ({ manifest }) => `npm publish --provenance --access public ${tarballOf(manifest, version)}`,
  );
  const missing = withoutRepository(ROOT);
  return [
    'To publish, in a job of CI that may write id-tokens (provenance is made nowhere else):',
    '',
    ...lines.map((line) => `  ${line}`),
    `  git push --atomic origin main ${tag}`,
    ...(missing.length === 0
      ? []
      : ['', `npm refuses provenance without "repository" in package.json: ${missing.join(', ')}.`]),
  ].join('\n');
}

async function release(isDryRun) {
  if (!isInstalled(ROOT)) throw new Error('Not installed: run npm ci first.');
  const why = whyNotReady(ROOT);
  if (why) throw new Error(why);
  const plan = releasePlan(ROOT, new Date().toISOString().slice(0, 10));
  console.log(`Version ${plan.version}${plan.isFirst ? ', which was never released' : ''}.\n`);
  console.log(plan.changelog.section);
  if (isDryRun) {
    console.log('Would now write versions and CHANGELOG.md, run .ci/run, pack, commit and tag.');
    console.log(`Nothing was changed.\n\n${lastSteps(plan)}`);
    return;
  }
  await applyPlan(ROOT, plan);
  try {
    show('.ci/run');
    show('npm', 'run', '--silent', 'packaging', '--', '--keep', `build/${plan.version}`);
  } catch {
    throw new Error(
      'A check failed, and nothing was committed. To take back what was written: git restore .',
    );
  }
  show('git', 'commit', '--all', '--message', `Release ${plan.version}`);
  show('git', 'tag', '--annotate', plan.tag, '--message', `Version ${plan.version}`);
  console.log(`\n${plan.version} is ready, and not published.\n\n${lastSteps(plan)}`);
}

const words = process.argv.slice(2);
const unknown = words.find((word) => word !== '--dry-run');
try {
  if (unknown !== undefined) throw new Error(`${unknown} is not known; --dry-run is.`);
  await release(words.includes('--dry-run'));
} catch (error) {
  console.error(error.stderr ? `${error.message}\n${error.stderr}`.trim() : error.message);
  process.exitCode = 1;
}
