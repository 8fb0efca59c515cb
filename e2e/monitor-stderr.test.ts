import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, createReadStream, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { environment, KM, monitoring, runKm, startKm } from './support/km.js';
import { until } from './support/until.js';

const SIZE = 1024 * 1024;
/** Once it is spoken to, writes a megabyte to its stderr as a program does that knows of blocking writes only. */
const TALKER = `
  const { writeSync } = require('node:fs');
  writeSync(1, 'ready\\n');
  process.stdin.once('data', () => {
    const block = Buffer.alloc(16384, 'y');
    for (let said = 0; said < ${SIZE};) said += writeSync(2, block);
    process.exit(0);
  });
`;
const NOTE = '{"jsonrpc":"2.0","method":"note"}\n';
const NONBLOCKING = 0o4000;

function withoutLinesOfKm(text: string): string {
  return text.replace(/[^y]/g, '');
}

function flagsOf(fdinfo: string): number {
  return Number.parseInt(/^flags:\s+(\d+)/m.exec(fdinfo)?.[1] ?? '', 8);
}

/** `km` with a named pipe as its stderr, which is read by nobody but the caller. */
function startWithPipe(args: readonly string[]) {
  const path = join(temporaryFolder(), 'stderr');
  execFileSync('mkfifo', [path]);
  // Opened for both so that neither waits for the other end.
  const reader = openSync(path, constants.O_RDWR);
  const stderr = openSync(path, constants.O_WRONLY);
  onTestFinished(() => closeSync(stderr));
  const child = spawn(process.execPath, [KM, ...args], {
    env: environment(),
    stdio: ['pipe', 'pipe', stderr],
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('unreachable: both are pipes');
  // A program that ended does not take what is still being written to it.
  stdin.on('error', () => undefined);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return {
    child,
    stdin,
    stdout,
    reader,
    flags: () => flagsOf(readFileSync(`/proc/self/fdinfo/${stderr}`, 'utf8')),
  };
}

describe('what km says on stderr', () => {
  test("does not change how the server's own writes to it go: they wait while it is full, and nothing is lost", async () => {
    const km = startKm(monitoring(TALKER, '--local', '--verbose'));
    km.child.stderr.pause();
    // Lines of km, again and again, while the server waits.
    let notes = 0;
    const talk = setInterval(() => {
      km.child.stdin.write(NOTE);
      notes += 1;
    }, 1);
    onTestFinished(() => clearInterval(talk));
    await until('both to have found it full', () => notes > 300);
    km.child.stderr.resume();
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(withoutLinesOfKm(km.stderr())).toHaveLength(SIZE);
    expect(km.stderr()).toContain('km: --> notification note 33 B\n');
  });

  test('leaves a pipe that others write to as it is, while km runs and after', async () => {
    const { child, stdin, stdout, reader, flags } = startWithPipe(monitoring(TALKER, '--local', '--verbose'));
    const seen = new Set<number>();
    let notes = 0;
    await new Promise((resolve) => stdout.once('data', resolve));
    const talk = setInterval(() => {
      stdin.write(NOTE);
      notes += 1;
      seen.add(flags() & NONBLOCKING);
    }, 1);
    onTestFinished(() => clearInterval(talk));
    let text = '';
    await until('both to have had their say', () => notes > 300);
    const stream = createReadStream('', { fd: reader, encoding: 'latin1' });
    stream.on('data', (chunk) => (text += chunk.toString()));
    onTestFinished(() => {
      // It waits for more, with a thread that others need: what it gets ends that.
      writeSync(reader, '.');
      stream.destroy();
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    await until('all that was said', () => withoutLinesOfKm(text).length >= SIZE);
    expect({ code, flags: flags() & NONBLOCKING }).toEqual({ code: 0, flags: 0 });
    expect([...seen]).toEqual([0]);
    expect(text).toContain('km: --> notification note 33 B\n');
  });

  test('comes after what the server said, to the last word', async () => {
    const { code, stderr } = await runKm(monitoring(TALKER.replace('exit(0)', 'exit(3)'), '--local'), {
      input: NOTE,
    });
    expect(code).toBe(3);
    expect(stderr).toMatch(/^y+km: the server ".*" ended by itself with exit code 3; [^\n]+\n$/);
    expect(withoutLinesOfKm(stderr.replace(/km: .*/, ''))).toHaveLength(SIZE);
  });

  test('is not waited for, nor is what the server says there, where nobody reads', async () => {
    const script = `console.log('ready'); process.stdin.resume(); process.stderr.write('y'.repeat(${4 * SIZE}));`;
    const km = startKm(monitoring(script, '--local', '--verbose'));
    km.child.stderr.pause();
    km.child.stdin.end(NOTE.repeat(10_000));
    await until('the end of km', () => km.child.exitCode !== null);
    expect(km.child.exitCode).toBe(143);
  });

  test('the client no longer reads it: the session goes on', async () => {
    const script = `
      setInterval(() => process.stderr.write('y'.repeat(1000)), 5);
      process.stderr.on('error', () => {});
      process.stdin.pipe(process.stdout).on('finish', () => process.exit(0));
      process.stdin.on('end', () => process.exit(0));
    `;
    const km = startKm(monitoring(script, '--local', '--verbose'));
    km.child.stderr.destroy();
    for (let count = 1; count <= 20; count += 1) {
      km.child.stdin.write(NOTE);
      await until('the echo', () => km.stdout().length === count * NOTE.length);
    }
    km.child.stdin.end();
    await until('the end of km', () => km.child.exitCode !== null);
    expect(km.child.exitCode).toBe(0);
  });
});

test('the server has descriptors that wait, as programs expect them: none was made non-blocking by km', async () => {
  const km = startKm([
    'monitor',
    '--local',
    '--verbose',
    '--',
    'sh',
    '-c',
    'read line; cat /proc/self/fdinfo/0; echo; cat /proc/self/fdinfo/1; echo; cat /proc/self/fdinfo/2',
  ]);
  km.child.stdin.write(NOTE);
  expect(await km.ended).toEqual({ code: 0, signal: null });
  const flags = km
    .stdout()
    .toString()
    .split('\n\n')
    .map((info) => flagsOf(info) & NONBLOCKING);
  expect(flags).toEqual([0, 0, 0]);
});
