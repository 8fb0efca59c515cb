// km monitor against other ways to stand between an MCP client and its server, and against nothing between them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { monitorContenders } from './monitor-contenders.mjs';
import { median, shuffled, spread } from './side-by-side.mjs';

const ROUNDS = Number(process.env.KM_BENCH_ROUNDS ?? 11);
const WARM_UP = 2_000;
/** What a start, and the warming up, leave to be done is done by then. */
const QUIET_MS = 2_000;
const ROUND_TRIPS = 4_000;
const LONG_ROUNDS = Math.min(ROUNDS, 5);
const LONG_ROUND_TRIPS = 20_000;
const KILOBYTES = 20_000;
const MEGABYTES = 60;

function messageOf(size) {
  const text = 'x'.repeat(size);
  return `{"method":"tools/call","params":{"name":"echo","arguments":{"text":"${text}"}},"jsonrpc":"2.0","id":1}\n`;
}

/** A client that is as fast as it can be: it looks for ends of lines only. */
function connect(command, env) {
  const startedAtMs = performance.now();
  const child = spawn(command[0], command.slice(1), { env, stdio: ['pipe', 'pipe', 'ignore'] });
  let onLine;
  child.stdout.on('data', (chunk) => {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) onLine();
  });
  return {
    startedAtMs,
    ask: (message) =>
      new Promise((resolve) => {
        onLine = resolve;
        child.stdin.write(message);
      }),
    /** Milliseconds for `count` messages, sent as fast as they are taken, and their answers. */
    async flood(count, message) {
      let answers = 0;
      const startMs = performance.now();
      const answered = new Promise((resolve) => {
        onLine = () => {
          answers += 1;
          if (answers === count) resolve();
        };
      });
      for (let sent = 0; sent < count; sent += 1) {
        if (!child.stdin.write(message)) await once(child.stdin, 'drain');
      }
      await answered;
      return performance.now() - startMs;
    },
    async close() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

function share(values, part) {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * part)];
}

/** How long each of so many round trips took, after others and a pause. */
async function roundTrips(session, count) {
  const small = messageOf(60);
  for (let trip = 0; trip < WARM_UP; trip += 1) await session.ask(small);
  await delay(QUIET_MS);
  const trips = [];
  for (let trip = 0; trip < count; trip += 1) {
    const askedAtMs = performance.now();
    await session.ask(small);
    trips.push(performance.now() - askedAtMs);
  }
  return trips;
}

async function measure({ command, prepare }) {
  const { env, stop } = await prepare();
  const session = connect(command, env);
  await session.ask(messageOf(60));
  const startMs = performance.now() - session.startedAtMs;
  const trips = await roundTrips(session, ROUND_TRIPS);
  const kilobyte = messageOf(1_000);
  await session.flood(KILOBYTES / 10, kilobyte);
  const kilobytesMs = await session.flood(KILOBYTES, kilobyte);
  const megabytesMs = await session.flood(MEGABYTES, messageOf(1_000_000));
  await session.close();
  await stop();
  return { startMs, p50Ms: share(trips, 0.5), p99Ms: share(trips, 0.99), kilobytesMs, megabytesMs };
}

/** The slowest percent of the round trips of a client that never pauses. */
async function measureWithoutPause({ command, prepare }) {
  const { env, stop } = await prepare();
  const session = connect(command, env);
  const trips = await roundTrips(session, LONG_ROUND_TRIPS);
  await session.close();
  await stop();
  return share(trips, 0.99);
}

/** p99 of each over that of the first, of the same round. */
async function withoutPause(contenders) {
  const p99s = new Map(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < LONG_ROUNDS; round += 1) {
    for (const contender of shuffled(contenders)) {
      p99s.get(contender.name).push(await measureWithoutPause(contender));
    }
  }
  const baseline = p99s.get(contenders[0].name);
  return contenders.slice(1).map(({ name }) => ({
    name,
    p99: spread(p99s.get(name).map((p99Ms, round) => p99Ms / baseline[round])),
  }));
}

/** What ours may be, as ratios; of throughput at least, of all others at most. */
const TARGETS = { p50: 1.65, p99: 1.6, kilobytes: 0.5, megabytes: 0.55, start: 1.15 };

/** The figures of each contender, as ratios to the first's of the same round; the start to that of the bare pipe. */
export async function measureMonitor() {
  const contenders = monitorContenders();
  const figures = new Map(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const contender of shuffled(contenders)) {
      figures.get(contender.name).push(await measure(contender));
    }
  }
  const baseline = figures.get(contenders[0].name);
  const pipe = figures.get(contenders.find(({ isPipe }) => isPipe).name);
  const ratios = (own, others, key) => spread(own.map((each, round) => each[key] / others[round][key]));
  const inverse = (own, others, key) => spread(own.map((each, round) => others[round][key] / each[key]));
  const rows = contenders.map(({ name, isOurs }) => {
    const own = figures.get(name);
    return {
      name,
      targets: isOurs ? TARGETS : undefined,
      p50Ms: median(own.map(({ p50Ms }) => p50Ms)),
      p99Ms: median(own.map(({ p99Ms }) => p99Ms)),
      startMs: median(own.map(({ startMs }) => startMs)),
      p50: ratios(own, baseline, 'p50Ms'),
      p99: ratios(own, baseline, 'p99Ms'),
      kilobytes: inverse(own, baseline, 'kilobytesMs'),
      megabytes: inverse(own, baseline, 'megabytesMs'),
      start: ratios(own, pipe, 'startMs'),
    };
  });
  const long = await withoutPause(
    contenders.filter(({ isPipe, isOurs }, at) => at === 0 || isPipe || isOurs),
  );
  return {
    rows,
    rounds: ROUNDS,
    roundTrips: ROUND_TRIPS,
    long: { rows: long, rounds: LONG_ROUNDS, roundTrips: LONG_ROUND_TRIPS },
  };
}
