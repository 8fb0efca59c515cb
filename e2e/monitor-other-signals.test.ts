import { describe, expect, test } from 'vitest';
import { monitoring, startKm } from './support/km.js';
import { expectGone, serverPids } from './support/server-pids.js';
import { isRunning, until } from './support/until.js';

/** Says its process id, then which signal it got, and ends with exit code 7. */
const TELLER = `
  for (const name of ['SIGQUIT', 'SIGUSR1', 'SIGUSR2']) {
    process.on(name, () => process.stdout.write(name + '\\n', () => process.exit(7)));
  }
  process.stdin.resume();
  console.log(process.pid);
`;

/** Starts one that would outlive it, and says both process ids; both do not care for SIGQUIT and SIGTERM. */
const STUBBORN_PAIR = `
  for (const name of ['SIGQUIT', 'SIGTERM']) process.on(name, () => {});
  const script = 'trap "" QUIT TERM; echo ready; exec sleep 1000';
  const child = require('node:child_process').spawn('sh', ['-c', script]);
  child.stdout.once('data', () => console.log(process.pid + ' ' + child.pid));
  process.stdin.resume();
`;

/** Starts a helper, says both process ids, and at each SIGUSR2 that it got one, until its input ends. */
const RELOADER = `
  const child = require('node:child_process').spawn('sleep', ['1000'], { stdio: 'ignore' });
  process.on('SIGUSR2', () => console.log('again'));
  process.stdin.on('end', () => child.kill() && process.exit(0)).resume();
  console.log(process.pid + ' ' + child.pid);
`;

describe('a signal that most programs do without', () => {
  test.each(['SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
    'reaches the server if it is %s, and what the server makes of it counts',
    async (signal) => {
      const km = startKm(monitoring(TELLER, '--local'));
      const [pid = 0] = await serverPids(km);
      km.child.kill(signal);
      expect(await km.ended).toEqual({ code: 7, signal: null });
      expect(km.stdout().toString()).toBe(`${pid}\n${signal}\n`);
      // Who was sent SIGQUIT ends for that; otherwise that is for the server to explain.
      expect(km.stderr()).toMatch(
        signal === 'SIGQUIT' ? /^$/ : /^km: [^\n]* by itself with exit code 7; [^\n]*\n$/,
      );
      expect(isRunning(pid)).toBe(false);
    },
  );

  test('SIGQUIT ends a server that ignores it, with all that it started', async () => {
    const km = startKm(monitoring(STUBBORN_PAIR, '--local'));
    const pids = await serverPids(km);
    expect(pids).toHaveLength(2);
    km.child.kill('SIGQUIT');
    expect(await km.ended).toEqual({ code: 137, signal: null });
    await expectGone(pids);
  });

  test('SIGUSR2 is for the server alone, and the session goes on', async () => {
    const km = startKm(monitoring(RELOADER, '--local'));
    const [server = 0, helper = 0] = await serverPids(km);
    for (const times of [1, 2]) {
      km.child.kill('SIGUSR2');
      await until('the server to say so', () => km.stdout().toString().split('again').length > times);
    }
    expect([server, helper].map(isRunning)).toEqual([true, true]);
    km.child.stdin.end();
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(isRunning(helper)).toBe(false);
  });

  test.each([
    ['SIGQUIT', 131, ''],
    ['SIGUSR2', 140, 'km: the server "sleep" was ended by SIGUSR2; what it said is above\n'],
  ] as const)(
    '%s ends a server that knows nothing of it, and km as a shell would',
    async (signal, code, told) => {
      const script = 'echo $$; exec sleep 1000';
      const km = startKm(['monitor', '--local', '--', 'sh', '-c', script]);
      const [pid = 0] = await serverPids(km);
      km.child.kill(signal);
      expect(await km.ended).toEqual({ code, signal: null });
      expect(km.stderr()).toBe(told.replace('sleep', 'sh'));
      expect(isRunning(pid)).toBe(false);
    },
  );
});
