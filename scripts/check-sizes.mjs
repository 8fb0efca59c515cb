// Holds the sizes of what starts often: a program is slower for every kilobyte it reads before it does anything.
// Usage: node scripts/check-sizes.mjs (after a build). One line a file; exits 1 when one is too large.
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');

/** In KiB, with some room over what there is. The first that matches counts. */
const LIMITS = [
  {
    files: 'packages/cli/dist/token-hit.cjs',
    kib: 44,
    why: 'km auth token at hand: scripts call it all the time',
  },
  {
    files: 'packages/cli/dist/main.cjs',
    kib: 92,
    why: 'every other km: the flags of all commands are in it',
  },
  { files: 'packages/cli/dist/redis-storage.cjs', kib: 216, why: 'every km of a fleet' },
  { files: 'packages/cli/dist/commands/auth-status.cjs', kib: 92, why: 'km auth status, of a fleet as well' },
  { files: 'packages/cli/dist/dashboard', kib: 96, why: 'the page of km dashboard' },
  { files: 'packages/cli/dist/commands', kib: 240, why: 'one command' },
];

function filesAt(place) {
  const full = path.join(ROOT, place);
  if (!statSync(full).isDirectory()) return [place];
  return readdirSync(full).map((file) => path.posix.join(place, file));
}

const seen = new Set();
let failures = 0;
for (const { files, kib, why } of LIMITS) {
  for (const file of filesAt(files).filter((name) => !seen.has(name))) {
    seen.add(file);
    const size = statSync(path.join(ROOT, file)).size / 1024;
    const isOver = size > kib;
    if (isOver) failures += 1;
    const room = isOver ? 'FAIL' : 'ok  ';
    console.log(`${room}  ${file}: ${size.toFixed(1)} of ${kib} KiB (${why})`);
  }
}
console.log(
  failures === 0
    ? 'Nothing is too large.'
    : `${failures} too large: load what is not always needed with import(), or raise the limit and say why.`,
);
process.exitCode = failures === 0 ? 0 : 1;
