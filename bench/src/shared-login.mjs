// The file cache between processes: what a hit costs a new one, what a large cache costs, and what many processes
// that share one expired login need.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { AuthToken, createFileCache, Secret } from './library.mjs';
import { median } from './side-by-side.mjs';
import { startServer } from './start-server.mjs';

const PROCESS = fileURLToPath(new URL('shared-login-process.mjs', import.meta.url));
const KM = fileURLToPath(new URL('../../packages/cli/bin/km.cjs', import.meta.url));
const API = 'http://127.0.0.1:9';
const HOUR_MS = 3_600_000;
const SCOPES = ['default', 'monitoring', 'plugins', 'alerts', 'export'];
const PROCESSES = 32;

const folders = [];

function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'km-bench-'));
  folders.push(folder);
  return folder;
}

function keyOf(profile, apiOrigin = API) {
  return { apiOrigin, profile, credential: 'login:' };
}

/** A token of an hour. */
function tokenFrom(issuedAtMs, value, scope) {
  return new AuthToken({ value, scopes: [scope], issuedAtMs, expiresAtMs: issuedAtMs + HOUR_MS });
}

/** A cache in which each of `profiles` has a token for each of `scopes` and a refresh token. */
async function filledCache(profiles, scopes) {
  const folder = newFolder();
  const cache = createFileCache({ folder, environment: {} });
  const issuedAtMs = Date.now();
  for (const profile of profiles) {
    await cache.updateGrant(keyOf(profile), () => ({
      tokens: new Map(
        scopes.map((scope) => [scope, tokenFrom(issuedAtMs, `${profile}-${scope}-`.padEnd(600, 'x'), scope)]),
      ),
      refreshToken: { secret: new Secret(`${profile}-`.padEnd(64, 'r')), issuedAtMs },
      unexplainedRequestsAtMs: [],
    }));
  }
  return folder;
}

/** Runs a process to its end; resolves to how long it took and what it said. */
async function run(args, env = {}) {
  const startMs = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { HOME: '/nowhere', ...env },
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`a process ended with ${code}`);
  return { ms: performance.now() - startMs, text };
}

function shuffled(list) {
  return list
    .map((item) => [Math.random(), item])
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

/** New processes in turn: the library only, and a hit on caches of two sizes. */
async function newProcesses(rounds) {
  const one = await filledCache(['default'], ['monitoring']);
  const many = await filledCache(
    Array.from({ length: 200 }, (_, index) => (index === 100 ? 'default' : `profile-${index}`)),
    SCOPES,
  );
  const contenders = [
    { name: 'library only', args: [PROCESS, 'load', one, API] },
    { name: 'hit, cache of one token', args: [PROCESS, 'hit', one, API] },
    { name: 'hit, cache of 200 profiles with 5 scopes', args: [PROCESS, 'hit', many, API] },
  ];
  for (const { args } of contenders) await run(args);
  const seen = new Map(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, args } of shuffled(contenders)) {
      const { ms, text } = await run(args);
      const { hitMs, cpuMs } = JSON.parse(text);
      seen.get(name).push({ ms, hitMs, cpuMs });
    }
  }
  const base = seen.get(contenders[0].name);
  return contenders.map(({ name }) => {
    const own = seen.get(name);
    return {
      name,
      ms: median(own.map(({ ms }) => ms)),
      addedMs: median(own.map(({ ms }, round) => ms - base[round].ms)),
      hitMs: median(own.map(({ hitMs }) => hitMs)),
      addedCpuMs: median(own.map(({ cpuMs }) => cpuMs)) - median(base.map(({ cpuMs }) => cpuMs)),
    };
  });
}

/** One process, a new manager each time: what reading the file costs. */
async function sizes(rounds) {
  const one = await filledCache(['default'], ['monitoring']);
  const many = await filledCache(
    Array.from({ length: 200 }, (_, index) => (index === 100 ? 'default' : `profile-${index}`)),
    SCOPES,
  );
  const hit = async (folder) => {
    const cache = createFileCache({ folder, environment: {} });
    const startMs = performance.now();
    for (let time = 0; time < 20; time += 1) {
      const grant = await cache.getGrant(keyOf('default'));
      if (grant?.tokens.get('monitoring') === undefined) throw new Error('no token');
    }
    return (performance.now() - startMs) / 20;
  };
  await hit(one);
  await hit(many);
  const ratios = [];
  const times = { one: [], many: [] };
  for (let round = 0; round < rounds; round += 1) {
    const oneFirst = round % 2 === 0;
    const first = await hit(oneFirst ? one : many);
    const second = await hit(oneFirst ? many : one);
    const [oneMs, manyMs] = oneFirst ? [first, second] : [second, first];
    times.one.push(oneMs);
    times.many.push(manyMs);
    ratios.push(manyMs / oneMs);
  }
  return { oneMs: median(times.one), manyMs: median(times.many), ratio: median(ratios) };
}

async function together(argsOf, env) {
  const startMs = performance.now();
  const all = await Promise.all(Array.from({ length: PROCESSES }, (_, index) => run(argsOf(index), env)));
  return { ms: performance.now() - startMs, texts: all.map(({ text }) => text) };
}

/** The folder of a login whose token is over, and whose refresh token the server takes once. */
async function expiredLogin(server) {
  const folder = newFolder();
  const issuedAtMs = Date.now() - 2 * HOUR_MS;
  await server.reset({ lifetimeSeconds: 3600, delayMs: 0, refreshToken: 'refresh-0' });
  await createFileCache({ folder, environment: {} }).updateGrant(keyOf('default', server.url), () => ({
    tokens: new Map([['monitoring', tokenFrom(issuedAtMs, 'old', 'monitoring')]]),
    refreshToken: { secret: new Secret('refresh-0'), issuedAtMs },
    unexplainedRequestsAtMs: [],
  }));
  return folder;
}

/** Many processes find the token of one login expired. The server takes each refresh token once. */
async function sharedExpiry(rounds) {
  const server = await startServer();
  /** All of them start with one expired login; `tokenOf` says what each of them got. */
  const sharing = async (argsOf, envOf, tokenOf) => {
    const folder = await expiredLogin(server);
    const { ms, texts } = await together(() => argsOf(folder), envOf(folder));
    const values = texts.map(tokenOf);
    const { requests } = await server.stats();
    const served = values.filter((value) => value === values[0] && value !== 'old').length;
    return { ms, requests, served };
  };
  const tasks = {
    plain: () => together(() => ['-e', '0']),
    loaded: () => together(() => [PROCESS, 'load', newFolder(), server.url]),
    library: () =>
      sharing(
        (folder) => [PROCESS, 'hit', folder, server.url],
        () => ({}),
        (text) => JSON.parse(text).value,
      ),
    km: () =>
      sharing(
        () => [KM, 'auth', 'token', '--scope', 'monitoring'],
        (folder) => ({ KM_CONFIG_DIR: folder, KILOMETERS_API_ENDPOINT: server.url }),
        (text) => text.trim(),
      ),
  };
  const seen = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const result = {};
      for (const name of shuffled(Object.keys(tasks))) result[name] = await tasks[name]();
      seen.push(result);
    }
  } finally {
    server.stop();
  }
  const row = (name) => ({
    ms: median(seen.map((round) => round[name].ms)),
    ratio: median(seen.map((round) => round[name].ms / round.plain.ms)),
    requests: Math.max(...seen.map((round) => round[name].requests)),
    served: Math.min(...seen.map((round) => round[name].served)),
  });
  return {
    rounds,
    processes: PROCESSES,
    plain: row('plain'),
    loaded: row('loaded'),
    library: row('library'),
    km: row('km'),
    overLoaded: median(seen.map(({ loaded, library }) => library.ms / loaded.ms)),
  };
}

export async function measureSharedLogin({ rounds = 21, sizeRounds = 101, expiryRounds = 9 } = {}) {
  try {
    return {
      processes: await newProcesses(rounds),
      sizes: await sizes(sizeRounds),
      expiry: await sharedExpiry(expiryRounds),
    };
  } finally {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}
