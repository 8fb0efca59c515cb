// Measures contenders against a baseline on a machine that does other things too: short batches, all contenders in
// turn in each round, in another order each time. A contender's figure is the median over the rounds of its time
// divided by the baseline's time of the same round, so that a slow second slows both.
import { performance } from 'node:perf_hooks';

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** In another order, each time. */
export function shuffled(list) {
  const copy = [...list];
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}

/** The median of ratios, and their quartiles. */
export function spread(ratios) {
  const sorted = [...ratios].sort((a, b) => a - b);
  const quartile = (share) => sorted[Math.floor((sorted.length - 1) * share)];
  return { ratio: median(sorted), low: quartile(0.25), high: quartile(0.75) };
}

/** What `run` took: on the clock, and of the processor in this process, which other programs do not add to. */
async function cost(run, times) {
  const startCpu = process.cpuUsage();
  const startMs = performance.now();
  await run(times);
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(startCpu);
  return { wallMs: wallMs / times, cpuMs: (user + system) / 1_000 / times };
}

/** How many times fit into one batch; running it this often is the warm-up as well. */
async function batchSize(run, { batchMs, warmUpMs, atMost }) {
  const untilMs = performance.now() + warmUpMs;
  let times = 1;
  let tookMs;
  do {
    tookMs = (await cost(run, times)).wallMs * times;
    if (tookMs < batchMs / 2) times *= 2;
  } while (performance.now() < untilMs);
  return Math.max(1, Math.min(atMost, Math.round((times * batchMs) / tookMs)));
}

/**
 * @param contenders `{ name, target, run(times) }`; the first is the baseline.
 * @returns a row each; `low` and `high` are the quartiles of `ratio`, `cpuRatio` is of the processor's time.
 */
export async function sideBySide(contenders, options) {
  const { rounds = 301, batchMs = 1, warmUpMs = 300, atMost = Number.POSITIVE_INFINITY } = options ?? {};
  const sizes = new Map();
  for (const { name, run } of contenders) {
    sizes.set(name, await batchSize(run, { batchMs, warmUpMs, atMost }));
  }
  const costs = new Map(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, run } of shuffled(contenders)) {
      costs.get(name).push(await cost(run, sizes.get(name)));
    }
  }
  const baseline = costs.get(contenders[0].name);
  return contenders.map(({ name, target }) => {
    const own = costs.get(name);
    const cpu = (list) => median(list.map(({ cpuMs }) => cpuMs));
    return {
      name,
      target,
      perCallMs: median(own.map(({ wallMs }) => wallMs)),
      ...spread(own.map(({ wallMs }, round) => wallMs / baseline[round].wallMs)),
      cpuRatio: cpu(own) / cpu(baseline),
    };
  });
}
