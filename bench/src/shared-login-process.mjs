// A new process that shares a login: loads the library, and on `hit` gets a token through the file cache.
import { performance } from 'node:perf_hooks';
import { createAuthManager, createFileCache } from '../../packages/auth/dist/index.js';

const [task, folder, apiEndpoint] = process.argv.slice(2);
const startMs = performance.now();
let value;
if (task === 'hit') {
  const cache = createFileCache({ folder, environment: process.env });
  const manager = createAuthManager({ apiEndpoint, cache, requestTimeoutMs: 60_000 });
  value = (await manager.getValidToken('monitoring')).reveal();
}
const hitMs = performance.now() - startMs;
const { user, system } = process.cpuUsage();
process.stdout.write(JSON.stringify({ hitMs, cpuMs: (user + system) / 1_000, value }));
