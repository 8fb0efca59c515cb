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

/** A cache in which each of `profiles` has a token for each of `scopes` and a refresh token. */
async function filledCache(profiles, scopes) {
  const folder = newFolder();
  const cache = createFileCache({ folder, environment: {} });
  const issuedAtMs = Date.now();
  for (const profile of profiles) {
    await cache.updateGrant(keyOf(profile), () => ({
      tokens: new Map(
        scopes.map((scope) => [
          scope,
          new AuthToken({
            value: `${profile}-${scope}-`.padEnd(600, 'x'),
            scopes: [scope],
            issuedAtMs,
            expiresAtMs: issuedAtMs + HOUR_MS,
          }),
        ]),
      ),
      refreshToken: { secret: new Secret(`${profile}-`.padEnd(64, 'r')), issuedAtMs },
      unexplainedRequestsAtMs: [],
    }));
  }
  return folder;
}

/** Runs a process to its end; resolves to how long it took and what it said. */
async function run(args) {
  const startMs = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { HOME: '/nowhere' },
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

async function together(argsOf) {
  const startMs = performance.now();
  const all = await Promise.all(Array.from({ length: PROCESSES }, (_, index) => run(argsOf(index))));
  return { ms: performance.now() - startMs, all };
}

/** Many processes find the token of one login expired. The server takes each refresh token once. */
async function sharedExpiry(rounds) {
  const server = await startServer();
  const seen = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const plain = async () => (await together(() => ['-e', '0'])).ms;
      const loaded = async () => (await together(() => [PROCESS, 'load', newFolder(), server.url])).ms;
      const shared = async () => {
        const folder = newFolder();
        const cache = createFileCache({ folder, environment: {} });
        const issuedAtMs = Date.now() - 2 * HOUR_MS;
        await server.reset({ lifetimeSeconds: 3600, delayMs: 0, refreshToken: 'refresh-0' });
        await cache.updateGrant(keyOf('default', server.url), () => ({
          tokens: new Map([
            [
              'monitoring',
              new AuthToken({
                value: 'old',
                scopes: ['monitoring'],
                issuedAtMs,
                expiresAtMs: issuedAtMs + HOUR_MS,
              }),
            ],
          ]),
          refreshToken: { secret: new Secret('refresh-0'), issuedAtMs },
          unexplainedRequestsAtMs: [],
        }));
        const { ms, all } = await together(() => [PROCESS, 'hit', folder, server.url]);
        const values = all.map(({ text }) => JSON.parse(text).value);
        const { requests } = await server.stats();
        return {
          ms,
          requests,
          served: values.filter((value) => value === values[0] && value !== 'old').length,
        };
      };
      const steps = shuffled(['plain', 'loaded', 'shared']);
      const result = {};
      for (const step of steps) result[step] = await { plain, loaded, shared }[step]();
      seen.push(result);
    }
  } finally {
    server.stop();
  }
  return {
    rounds,
    processes: PROCESSES,
    plainMs: median(seen.map(({ plain }) => plain)),
    loadedMs: median(seen.map(({ loaded }) => loaded)),
    sharedMs: median(seen.map(({ shared }) => shared.ms)),
    ratio: median(seen.map(({ plain, shared }) => shared.ms / plain)),
    loadedRatio: median(seen.map(({ plain, loaded }) => loaded / plain)),
    overLoaded: median(seen.map(({ loaded, shared }) => shared.ms / loaded)),
    requests: Math.max(...seen.map(({ shared }) => shared.requests)),
    served: Math.min(...seen.map(({ shared }) => shared.served)),
  };
}

export async function measureSharedLogin({ rounds = 21, sizeRounds = 101, expiryRounds = 5 } = {}) {
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
