// Looks through every tracked file for what is true on one machine only: addresses of a package registry in the
// lockfile, and absolute paths of somebody's folders. Usage: node scripts/check-traces.mjs
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { homedir, userInfo } from 'node:os';

const ROOT = path.resolve(import.meta.dirname, '..');
const BINARY = /\.(png|jpe?g|gif|ico|woff2?|gz|tgz|zip|wasm)$/;

/** Homes that tests and guides speak of. */
const EXAMPLES = ['/home/u', '/home/user', '/home/x'];

/** The home of whoever runs this, as the environment and the machine have it: the checks of CI run in another one. */
function ownHomes() {
  return [homedir, () => userInfo().homedir].flatMap((ask) => {
    try {
      return [ask()];
    } catch {
      return []; // A user that the machine does not know.
    }
  });
}

const asText = (text) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

// A path starts where no word, dot or slash goes before it: `https://host/tmp/x` is not one.
const before = '(?<![\\w.$})\\]*/-])';
const homes = ownHomes()
  .filter((home) => /^\/./.test(home) && !EXAMPLES.includes(home))
  .map((home) => asText(home.slice(1)));
const folders = ['work', 'tmp', 'root', ...homes, 'Users/[a-z]+', 'var/folders'];
const MACHINE_PATH = new RegExp(`${before}/(${folders.join('|')})/`, 'i');

const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  .split('\0')
  .filter(Boolean);
const problems = [];

for (const file of tracked.filter((name) => !BINARY.test(name))) {
  let text;
  try {
    text = readFileSync(path.join(ROOT, file), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'EISDIR') continue;
    throw error;
  }
  for (const [index, line] of text.split('\n').entries()) {
    const at = `${file}:${index + 1}`;
    if (path.basename(file) === 'package-lock.json') {
      if (/"resolved": "(https?|git|file|ssh)\b/.test(line)) {
        problems.push(`${at}: names an address; run npm install with the repository's .npmrc`);
      }
    } else if (MACHINE_PATH.test(line)) {
      problems.push(`${at}: an absolute path of one machine: ${line.trim().slice(0, 120)}`);
    }
  }
}

for (const problem of problems) console.error(problem);
console.log(`${tracked.length} tracked files, ${problems.length} traces of a machine.`);
process.exitCode = problems.length === 0 ? 0 : 1;
