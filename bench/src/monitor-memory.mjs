// What km monitor takes of the memory while much passes and nothing can be delivered, beside a bare pipe at the same time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { memoryContenders } from './monitor-contenders.mjs';
import { median } from './side-by-side.mjs';

const SECONDS = Number(process.env.KM_BENCH_MEMORY_SECONDS ?? 20);
const A_SECOND = 1_000;
const BEATS_A_SECOND = 20;
const MESSAGE = `{"method":"tools/call","params":{"name":"echo","arguments":{"text":"${'x'.repeat(100)}"}},"jsonrpc":"2.0","id":1}\n`;

/** Bytes that a process has in memory, by Linux's account; `undefined` on other systems. */
function memoryOf(pid) {
  try {
    const [, kibibytes] = /^Rss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
    return Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}

async function run({ name, command, prepare, isOurs }) {
  const { env, stop } = await prepare();
  const child = spawn(command[0], command.slice(1), { env, stdio: ['pipe', 'pipe', 'ignore'] });
  let answers = 0;
  child.stdout.on('data', (chunk) => {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) answers += 1;
  });
  const memory = [];
  const startMs = performance.now();
  for (let beat = 1; beat <= SECONDS * BEATS_A_SECOND; beat += 1) {
    for (let sent = 0; sent < A_SECOND / BEATS_A_SECOND; sent += 1) child.stdin.write(MESSAGE);
    await delay(Math.max(0, startMs + (beat * 1_000) / BEATS_A_SECOND - performance.now()));
    if (beat % BEATS_A_SECOND === 0) memory.push(memoryOf(child.pid));
  }
  const ended = once(child, 'exit');
  child.stdin.end();
  await ended;
  await stop();
  if (answers !== SECONDS * A_SECOND) throw new Error(`${name}: ${answers} answers`);
  const third = Math.floor(SECONDS / 3);
  return {
    name,
    isOurs,
    middleBytes: median(memory.slice(third, 2 * third)),
    endBytes: median(memory.slice(2 * third)),
  };
}

/** Bytes of each contender in the middle third of the run and in its last; `undefined` where nobody tells them. */
export async function measureMonitorMemory() {
  if (memoryOf(process.pid) === undefined) return undefined;
  const rows = await Promise.all(memoryContenders().map(run));
  return { rows, seconds: SECONDS, aSecond: A_SECOND };
}
