import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('..', import.meta.url);

function readJson(path) {
  try {
    return JSON.parse(readFileSync(new URL(path, FOLDER), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Installs the peers where they are missing or of another version; returns each one's version. */
export function installedPeers() {
  const wanted = Object.entries(readJson('package.json').devDependencies);
  const installed = ([name]) => readJson(`node_modules/${name}/package.json`)?.version;
  if (wanted.some((peer) => installed(peer) !== peer[1])) {
    execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: fileURLToPath(FOLDER), stdio: 'inherit' });
  }
  return wanted.map(([name, version]) => ({ name, version }));
}
