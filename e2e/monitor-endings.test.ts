import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startApi, storedEvents } from './support/api.js';
import { createGate } from './support/gate.js';
import { accountAt, environment, KM, monitoring, runKm, start, startKm } from './support/km.js';
import { ECHO, PARENT, STUBBORN } from './support/scripted-servers.js';
import { expectGone, serverPids } from './support/server-pids.js';
import { isRunning, until } from './support/until.js';

describe('the end of a session', () => {
  test('what else writes to the same stdout goes on: it is let go, not shut down', async () => {
    const session = [process.execPath, KM, ...monitoring(ECHO, '--local')]
      .map((word) => `'${word}'`)
      .join(' ');
    const shell = start('sh', ['-c', `${session}; echo and then`], environment());
    shell.child.stdin.end('ping\n');
    expect(await shell.ended).toEqual({ code: 0, signal: null });
    expect(shell.stdout().toString()).toBe('ping\nand then\n');
  });

  test('no file that another thread opens meanwhile keeps the number of the stdout that is let go', async () => {
    const hook = fileURLToPath(new URL('support/busy-stdout.cjs', import.meta.url));
    const gate = createGate();
    // As long as it has something to deliver it goes on.
    const trouble = ['path=/api/events/batch,latency=1ms,count=inf'];
    const api = await startApi({ trouble, sleep: () => gate.opened });
    const env = accountAt(api.url, { NODE_OPTIONS: `--require=${hook}` });
    const km = startKm(['monitor', '--', 'cat'], env);
    km.child.stdin.end('{"jsonrpc":"2.0","method":"m"}\n');
    await until('the number is taken by what nobody minds', () => km.stderr().includes('stdout is a device'));
    gate.open();
    expect(await km.ended).toEqual({ code: 0, signal: null });
  });

  test('a full disk that takes nothing of what the server says is told', async () => {
    const shell = start(
      'sh',
      ['-c', `'${process.execPath}' '${KM}' monitor --local -- echo lost > /dev/full`],
      environment(),
    );
    shell.child.stdin.end();
    await shell.ended;
    expect(shell.stderr()).toMatch(/^km: what the server says cannot be written: [^\n]*ENOSPC[^\n]*\n$/);
  });

  test.each([0, 1, 3, 255])("the server's exit code %i is km's", async (code) => {
    expect(await runKm(monitoring(`process.exit(${code})`))).toMatchObject({ code });
  });

  test.each([
    ['SIGKILL', 137],
    ['SIGTERM', 143],
    ['SIGSEGV', 139],
  ])('a server killed by %s makes it %i, as in a shell', async (signal, code) => {
    const { stderr, ...ending } = await runKm(monitoring(`process.kill(process.pid, '${signal}')`));
    expect(ending).toMatchObject({ code });
    expect(stderr).toMatch(new RegExp(`^km: the server ".*" was ended by ${signal}; .*\\n$`));
  });

  test('the client closes: a server that ignores that, and SIGTERM, is killed', async () => {
    const km = startKm(monitoring(STUBBORN));
    const pids = await serverPids(km);
    km.child.stdin.end();
    expect(await km.ended).toEqual({ code: 137, signal: null });
    await expectGone(pids);
  });

  test('the client closes while it waits for an answer: a slow server may still give it', async () => {
    const script = `
      const answer = () => process.stdout.write('{"id":1,"result":{}}\\n', () => process.exit(0));
      process.stdin.on('end', () => setTimeout(answer, 2500)).resume();
      console.log('ready');
    `;
    const { code, stdout } = await runKm(monitoring(script), { input: '{"id":1,"method":"ping"}\n' });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ready\n{"id":1,"result":{}}\n' });
  });

  test('the client vanishes: nothing is left running', async () => {
    const km = startKm(monitoring(STUBBORN));
    const pids = await serverPids(km);
    km.child.stdout.destroy();
    km.child.stdin.destroy();
    await until('the end of km', () => km.child.exitCode !== null);
    await expectGone(pids);
  });

  test('the client no longer reads: the server is told to end', async () => {
    const script = `setInterval(() => console.log(process.pid), 20); process.on('SIGTERM', () => {})`;
    const km = startKm(monitoring(script));
    const pids = await serverPids(km);
    km.child.stdout.destroy();
    await until('the end of km', () => km.child.exitCode !== null);
    expect(km.child.exitCode).toBe(137);
    await expectGone(pids);
  });

  test('a server that closes its output early goes on, and its exit code counts', async () => {
    const script = `
      require('node:fs').closeSync(1);
      process.stdin.on('end', () => process.exit(6)).resume();
    `;
    const km = startKm(monitoring(script, '--local'));
    await new Promise((resolve) => km.child.stdout.once('end', resolve));
    expect(km.child.exitCode).toBeNull();
    km.child.stdin.end('{"id":1,"method":"ping"}\n');
    expect(await km.ended).toEqual({ code: 6, signal: null });
  });

  test('it does so for a client that hears it through a pipe of the shell', async () => {
    const script = `require('node:fs').closeSync(1); process.stdin.resume()`;
    const session = [process.execPath, KM, ...monitoring(script, '--local')].map((word) => `"${word}"`);
    const shell = start('bash', ['-c', `${session.join(' ')} | { cat; echo heard; }`], environment());
    await until('the client hears the end', () => shell.stdout().includes('heard'));
    shell.child.stdin.end();
    expect(await shell.ended).toEqual({ code: 0, signal: null });
  });

  test('a server that no longer reads, and ends, ends the session however much it was still told', async () => {
    const km = startKm(
      monitoring(`process.stdin.destroy(); setTimeout(() => process.exit(4), 50)`, '--local'),
    );
    km.child.stdin.write('x'.repeat(5_000_000));
    expect(await km.ended).toEqual({ code: 4, signal: null });
  });

  test('what the server started ends with it', async () => {
    const km = startKm(monitoring(PARENT));
    const pids = await serverPids(km);
    expect(pids).toHaveLength(2);
    km.child.stdin.end();
    expect(await km.ended).toEqual({ code: 0, signal: null });
    await expectGone(pids);
  });

  test('a process that left the group and holds the output keeps nobody waiting', async () => {
    const script = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 600000)'], { detached: true, stdio: 'inherit' });
      child.unref();
      process.stdout.write(child.pid + '\\n', () => process.exit(5));
    `;
    const km = startKm(monitoring(script));
    const [pid = 0] = await serverPids(km);
    onTestFinished(() => void process.kill(pid, 'SIGKILL'));
    await until('the end of km', () => km.child.exitCode !== null);
    expect(km.child.exitCode).toBe(5);
    expect(isRunning(pid)).toBe(true);
  });

  test('the client hears the end of the server at once, not after the events are delivered', async () => {
    const api = await startApi({ trouble: ['path=/api/events/batch,latency=1s,count=inf'] });
    const env = accountAt(api.url);
    const km = startKm(monitoring(`console.log('{"method":"bye"}')`), env);
    await new Promise((resolve) => km.child.stdout.once('end', resolve));
    expect(km.child.exitCode).toBeNull();
    expect(await km.ended).toEqual({ code: 0, signal: null });
    // What a busy machine does not deliver in the three seconds of its end is left to the next.
    await runKm(['queue', 'flush'], { env });
    expect(storedEvents(api)).toHaveLength(1);
  });

  test('a large last answer to a slow client arrives whole', async () => {
    const size = 8_000_000;
    const script = `process.stdin.on('end', () => process.stdout.write('x'.repeat(${size}))).resume()`;
    const km = startKm(monitoring(script));
    km.child.stdout.pause();
    km.child.stdin.end();
    for (let read = 0; read < 20; read += 1) {
      km.child.stdout.resume();
      await new Promise((resolve) => setTimeout(resolve, 10));
      km.child.stdout.pause();
    }
    km.child.stdout.resume();
    await km.ended;
    expect(km.stdout().length).toBe(size);
  });
});
