// What stands between the client and the server.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const fileOf = (name) => fileURLToPath(new URL(name, import.meta.url));
const KM = fileURLToPath(new URL('../../packages/cli/bin/km.cjs', import.meta.url));
const KEY = 'km_live_bench';

const SERVER = [process.execPath, fileOf('monitor-server.mjs')];

async function nothing() {
  return { env: process.env, stop: async () => undefined };
}

/** An API of its own, and folders of its own: nothing is left of the run before. */
async function withApi() {
  const folder = mkdtempSync(join(tmpdir(), 'km-bench-'));
  const api = spawn(process.execPath, [KM, 'dev', '--port', '0', '--api-key', KEY], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const heard = (chunk) => (said += chunk);
  api.stdout.on('data', heard);
  api.stderr.on('data', heard);
  let url;
  while (url === undefined) {
    await Promise.race([once(api.stdout, 'data'), once(api.stderr, 'data')]);
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
  }
  return {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      KILOMETERS_API_ENDPOINT: url,
      KILOMETERS_API_KEY: KEY,
    },
    async stop() {
      api.kill();
      await once(api, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function compiledLoop() {
  const program = join(mkdtempSync(join(tmpdir(), 'km-bench-')), 'loop');
  try {
    execFileSync('cc', ['-O2', '-o', program, fileOf('monitor-loop.c')], { stdio: 'ignore' });
    return [program];
  } catch {
    return undefined;
  }
}

/** Each with the command to run and what it needs; the first is the baseline. */
export function monitorContenders() {
  const loop = compiledLoop();
  const node = (name) => [process.execPath, fileOf(name)];
  return [
    { name: 'the server itself', command: SERVER, prepare: nothing },
    ...(loop === undefined
      ? []
      : [{ name: 'a poll loop in C', command: [...loop, ...SERVER], prepare: nothing }]),
    { name: 'a bare pipe in Node', command: [...node('monitor-pipe.mjs'), ...SERVER], prepare: nothing },
    {
      name: 'km monitor --local',
      command: [process.execPath, KM, 'monitor', '--local', '--', ...SERVER],
      prepare: nothing,
    },
    {
      name: 'km monitor',
      command: [process.execPath, KM, 'monitor', '--server', '--', ...SERVER],
      prepare: withApi,
      isOurs: true,
    },
    {
      name: "a relay of the MCP SDK's transports",
      command: [...node('monitor-sdk-relay.mjs'), ...SERVER],
      prepare: nothing,
    },
  ];
}
