// What stands between the client and the server.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const fileOf = (name) => fileURLToPath(new URL(name, import.meta.url));
const KM = fileURLToPath(new URL('../../packages/cli/bin/km.cjs', import.meta.url));

const SERVER = [process.execPath, fileOf('monitor-server.mjs')];

async function nothing() {
  return { env: process.env, stop: async () => undefined };
}

/** An API of its own, and folders of its own: nothing is left of the run before. */
async function withApi() {
  const folder = mkdtempSync(join(tmpdir(), 'km-bench-'));
  const api = fork(fileOf('monitor-api.mjs'));
  const [{ port }] = await once(api, 'message');
  return {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      KILOMETERS_API_ENDPOINT: `http://127.0.0.1:${port}`,
      KILOMETERS_API_KEY: 'km_live_bench',
    },
    /** Fails where nothing was delivered: what is measured is a monitor at work. */
    async stop() {
      const counted = once(api, 'message');
      api.send({});
      const [{ events }] = await counted;
      if (events === 0) throw new Error('no event was delivered');
      api.disconnect();
      await once(api, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An API that is down, and folders of its own. */
async function withoutApi() {
  const folder = mkdtempSync(join(tmpdir(), 'km-bench-'));
  return {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      // Nobody listens there.
      KILOMETERS_API_ENDPOINT: 'http://127.0.0.1:9',
      KILOMETERS_API_KEY: 'km_live_bench',
    },
    async stop() {
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

const NODE_PIPE = [process.execPath, fileOf('monitor-pipe.mjs'), ...SERVER];
const KM_MONITOR = [process.execPath, KM, 'monitor', '--server', '--', ...SERVER];

/** A bare pipe, and km monitor that can deliver nothing. */
export function memoryContenders() {
  return [
    { name: 'a bare pipe in Node', command: NODE_PIPE, prepare: nothing },
    { name: 'km monitor, the API down', command: KM_MONITOR, prepare: withoutApi, isOurs: true },
  ];
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
    {
      name: 'a bare pipe in Node',
      command: NODE_PIPE,
      prepare: nothing,
      isPipe: true,
    },
    {
      name: 'km monitor --local',
      command: [process.execPath, KM, 'monitor', '--local', '--', ...SERVER],
      prepare: nothing,
    },
    {
      name: 'km monitor',
      command: KM_MONITOR,
      prepare: withApi,
      isOurs: true,
    },
    {
      name: "a relay of the MCP SDK's transports",
      command: [...node('monitor-sdk-relay.mjs'), ...SERVER],
      prepare: nothing,
    },
    {
      name: '@civic/passthrough-mcp-server',
      command: [...node('monitor-civic.mjs'), ...SERVER],
      prepare: nothing,
    },
  ];
}
