// Does everything up to publishing a version, and leaves that to a person: versions, CHANGELOG.md, checks, a commit and
// a tag. Usage: npm run release [-- --dry-run]. --dry-run changes nothing.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import {
  applyPlan,
  isInstalled,
  releasePlan,
  unfinishedVersion,
  whyNotPublishable,
  whyNotReady,
} from './release/plan.mjs';

const ROOT = path.resolve(import.meta.dirname, '..');

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Runs a step of the release; whoever it fails for, or who stops it, is told what to do. */
async function step([command, ...words], whenFailed, whatToDo) {
  console.log(`\n$ ${[command, ...words].join(' ')}`);
  let child;
  const stop = (signal) => {
    console.error(`Stopped. ${whatToDo}`);
    child?.kill(signal);
    process.exit(128 + constants.signals[signal]);
  };
  // Before it runs: who stops this process as soon as it does must not leave it behind.
  for (const signal of SIGNALS) process.on(signal, stop);
  const code = await new Promise((resolve) => {
    child = spawn(command, words, { cwd: ROOT, stdio: 'inherit' });
    child.once('error', resolve).once('exit', resolve);
  });
  for (const signal of SIGNALS) process.off(signal, stop);
  if (code !== 0) throw new Error(`${whenFailed} ${whatToDo}`);
}

/** What a person does next. The packages are made and signed where that can be proved, which is in CI. */
function lastSteps(tag) {
  return [
    'To publish, push the commit with its tag; .github/workflows/release.yml does the rest:',
    '',
    `  git push --atomic origin main ${tag}`,
    '',
    `To take it back before that: git tag --delete ${tag}, and git reset --keep HEAD~1 for the commit.`,
    '',
  ].join('\n');
}

const TAKE_BACK = 'To take back what was written: git restore .';
const TAG_AGAIN = 'To tag it: npm run release, which then does nothing else.';

/** The last step of a release, and all that is left of one that failed at it. */
async function tag({ version, tag: name }) {
  await step(
    ['git', 'tag', '--annotate', name, '--message', `Version ${version}`],
    'The commit is made, and could not be tagged.',
    TAG_AGAIN,
  );
}

async function makeVersion(plan) {
  await applyPlan(ROOT, plan).catch((error) => {
    throw new Error(`${error.message}\n${error.stderr ?? ''}\nNothing was committed. ${TAKE_BACK}`);
  });
  await step(['.ci/run'], 'A check failed, and nothing was committed.', TAKE_BACK);
  await step(
    ['git', 'commit', '--all', '--message', `Release ${plan.version}`],
    'The commit failed, and nothing was committed.',
    TAKE_BACK,
  );
}

async function release(isDryRun) {
  if (!isInstalled(ROOT)) throw new Error('Not installed: run npm ci first.');
  const why = whyNotReady(ROOT);
  if (why) throw new Error(why);
  const notPublishable = whyNotPublishable(ROOT);
  if (notPublishable && !isDryRun) throw new Error(`${notPublishable} Its publication is sure to fail.`);
  const unfinished = unfinishedVersion(ROOT);
  if (unfinished !== undefined) console.log(`Version ${unfinished} is committed, and not tagged yet.`);
  const plan =
    unfinished === undefined
      ? releasePlan(ROOT, new Date().toISOString().slice(0, 10))
      : { version: unfinished, tag: `v${unfinished}` };
  if (unfinished === undefined) {
    console.log(`Version ${plan.version}${plan.isFirst ? ', which was never released' : ''}.\n`);
    console.log(plan.changelog.section);
  }
  if (isDryRun) {
    const would =
      unfinished === undefined
        ? 'write versions and CHANGELOG.md, run .ci/run, commit and tag'
        : `tag it ${plan.tag}`;
    const but = notPublishable ? `It would refuse: ${notPublishable}\n\n` : '';
    console.log(`Would now ${would}.\nNothing was changed.\n\n${but}${lastSteps(plan.tag)}`);
    return;
  }
  if (unfinished === undefined) await makeVersion(plan);
  await tag(plan);
  console.log(`\n${plan.version} is ready, and not published.\n\n${lastSteps(plan.tag)}`);
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
