// A new process that shares a login: loads the library, and on `hit` gets a token through the file cache.
import { createAuthManager, createFileCache } from '../../packages/auth/dist/index.js';

const [task, folder, apiEndpoint] = process.argv.slice(2);
const start = process.hrtime.bigint();
let value;
if (task === 'hit') {
  const cache = createFileCache({ folder, environment: process.env });
  const manager = createAuthManager({ apiEndpoint, cache, requestTimeoutMs: 60_000 });
  value = (await manager.getValidToken('monitoring')).reveal();
}
const hitMs = Number(process.hrtime.bigint() - start) / 1e6;
const { user, system } = process.cpuUsage();
// `process.stdout` loads Node's streams: what is measured here is the library.
process
  .getBuiltinModule('node:fs')
  .writeSync(1, JSON.stringify({ hitMs, cpuMs: (user + system) / 1_000, value }));
