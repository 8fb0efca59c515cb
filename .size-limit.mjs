// Holds the sizes of what starts often: a program is slower for every kilobyte it reads before it does anything.
import { readdirSync } from 'node:fs';
import path from 'node:path';

const DIST = 'packages/cli/dist';

/** In kB, with some room over what there is. The first that matches counts. */
const LIMITS = [
  { files: 'token-hit.cjs', kb: 51.5, why: 'km auth token at hand: scripts call it all the time' },
  { files: 'main.cjs', kb: 100, why: 'every other km: the flags of all commands are in it' },
  { files: 'redis-storage.cjs', kb: 220, why: 'every km of a fleet' },
  {
    files: 'commands/monitor.cjs',
    kb: 43,
    why: 'km monitor alone: the server, and its client, wait for it',
  },
  { files: 'commands/auth-status.cjs', kb: 89, why: 'km auth status alone, of a fleet as well' },
  {
    files: 'commands/queue-flush.cjs',
    kb: 326,
    why: 'km queue flush alone: it makes events of what killed sessions left, and delivers',
  },
  { files: 'dashboard/', kb: 98, why: 'the page of km dashboard' },
  { files: 'commands/', kb: 270, why: 'one command' },
];

const built = readdirSync(path.join(import.meta.dirname, DIST), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) =>
    path.relative(path.join(import.meta.dirname, DIST), path.join(entry.parentPath, entry.name)),
  );

const seen = new Set();

/** Each file by itself, as it is read from the disk. Too large? Load what is not always needed with `import()`. */
export default LIMITS.flatMap(({ files, kb, why }) => {
  const found = built.filter((file) => file.startsWith(files) && !seen.has(file));
  if (found.length === 0) throw new Error(`${DIST}/${files} is not built: run "npm run build"`);
  return found.map((file) => {
    seen.add(file);
    return { name: `${file} (${why})`, path: `${DIST}/${file}`, limit: `${kb} kB`, brotli: false };
  });
});
