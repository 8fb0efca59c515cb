// What starting `km` costs, over starting Node for nothing: whole processes, from their start to their end, in turn.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { median } from './side-by-side.mjs';
import { startServer } from './start-server.mjs';

const KM = fileURLToPath(new URL('../../packages/cli/bin/km.cjs', import.meta.url));

/** Runs a command to its end; resolves to how long it took. */
async function run({ command: [file, ...args], env }) {
  const startMs = performance.now();
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.resume();
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${[file, ...args].join(' ')} ended with ${code}`);
  return performance.now() - startMs;
}

function shuffled(list) {
  return list
    .map((item) => [Math.random(), item])
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

/** Tools of others that print a token they have, where this machine has them. */
function peers(home) {
  const env = { PATH: process.env.PATH, HOME: home, GH_TOKEN: 'token' };
  const gh = { name: '`gh auth token`', command: ['gh', 'auth', 'token'], env };
  return spawnSync('gh', ['--version']).status === 0 ? [gh] : [];
}

/** Each contender over the first one, in the same round. */
export async function measureCli({ rounds = 101 } = {}) {
  if (!existsSync(fileURLToPath(new URL('../../packages/cli/dist/main.cjs', import.meta.url))))
    throw new Error('km is not built: run "npm run build" first');
  const home = mkdtempSync(join(tmpdir(), 'km-bench-'));
  const server = await startServer();
  await server.reset({ lifetimeSeconds: 3_600, delayMs: 0 });
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    KILOMETERS_API_KEY: 'km_live_bench',
    KILOMETERS_API_ENDPOINT: server.url,
  };
  const km = (...args) => ({ command: [process.execPath, KM, ...args], env });
  const contenders = [
    { name: '`node -e 0`', command: [process.execPath, '-e', '0'], env },
    {
      name: '`node -e "require(\'node:crypto\')"`',
      command: [process.execPath, '-e', "require('node:crypto')"],
      env,
    },
    { name: '`km auth token`, at hand', target: 1.15, ...km('auth', 'token') },
    { name: '`km auth token --format json`, at hand', ...km('auth', 'token', '--format', 'json') },
    { name: '`km --help`', target: 1.3, ...km('--help') },
    { name: '`km auth status`', target: 1.5, ...km('auth', 'status') },
    ...peers(home),
  ];
  try {
    for (const contender of contenders) await run(contender);
    const seen = new Map(contenders.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const contender of shuffled(contenders)) seen.get(contender.name).push(await run(contender));
    }
    const base = seen.get(contenders[0].name);
    return contenders.map(({ name, target }) => {
      const own = seen.get(name);
      const ratios = own.map((ms, round) => ms / base[round]).sort((a, b) => a - b);
      return {
        name,
        target,
        ms: median(own),
        ratio: median(ratios),
        low: ratios[Math.floor((ratios.length - 1) * 0.25)],
        high: ratios[Math.floor((ratios.length - 1) * 0.75)],
      };
    });
  } finally {
    server.stop();
    rmSync(home, { recursive: true, force: true });
  }
}
