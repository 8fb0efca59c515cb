// npm run bench [-- --write | --only hit,client,expired,shared,cli,monitor,memory]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { installedPeers } from './installed-peers.mjs';
import {
  cliTable,
  expiredTable,
  heading,
  memoryTables,
  monitorTables,
  ratioTable,
  sharedLoginTables,
} from './report.mjs';

const { values } = parseArgs({
  options: { write: { type: 'boolean', default: false }, only: { type: 'string' } },
});

// Loaded only once the peers are there.
const BENCHMARKS = {
  hit: async () => (await (await import('./hit.mjs')).measureHits()).map(ratioTable),
  client: async () => (await (await import('./client.mjs')).measureClient()).map(ratioTable),
  expired: async () => [expiredTable(await (await import('./expired.mjs')).measureExpired())],
  cli: async () => [cliTable(await (await import('./cli.mjs')).measureCli())],
  monitor: async () => monitorTables(await (await import('./monitor.mjs')).measureMonitor()),
  memory: async () => memoryTables(await (await import('./monitor-memory.mjs')).measureMonitorMemory()),
  shared: async () => sharedLoginTables(await (await import('./shared-login.mjs')).measureSharedLogin()),
};

if (values.write && values.only !== undefined) {
  console.error('--write replaces all of RESULTS.md: give it without --only');
  process.exit(2);
}

const chosen = values.only?.split(',') ?? Object.keys(BENCHMARKS);
const unknown = chosen.find((name) => !Object.hasOwn(BENCHMARKS, name));
if (unknown !== undefined) {
  console.error(`there is no benchmark "${unknown}": choose from ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}

const parts = [heading(installedPeers())];
console.log(parts[0]);
for (const name of chosen) {
  for (const part of await BENCHMARKS[name]()) {
    console.log(part);
    parts.push(part);
  }
}
if (values.write) writeFileSync(new URL('../RESULTS.md', import.meta.url), parts.join('\n'));
