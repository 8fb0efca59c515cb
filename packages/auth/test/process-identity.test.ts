import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import { describe, expect, test, vi } from 'vitest';
import {
  describeProcess,
  livenessOf,
  ownIdentity,
  parseIdentity,
  readOwnIdentity,
  rememberOwnIdentity,
} from '../src/caches/file/process-identity.js';

const own = ownIdentity();

describe('a process', () => {
  test('knows who it is', () => {
    const me = readOwnIdentity({ pid: process.pid, readLink: (path) => readlinkSync(path) });

    expect(me).toEqual(own);
    expect(me).toMatchObject({
      pid: process.pid,
      host: hostname(),
      startTicks: expect.stringMatching(/^\d+$/) as string,
      pidNamespace: expect.stringMatching(/^pid:\[\d+\]$/) as string,
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    });
  });

  test('where there is no /proc knows its pid and its host only', () => {
    const alone = readOwnIdentity({
      pid: 7,
      readLink: () => {
        throw new Error('ENOENT');
      },
    });

    expect(alone).toMatchObject({ pid: 7, host: hostname() });
    expect(alone.pidNamespace).toBeUndefined();
  });

  test('that could not read who it is, having too many files open, reads it again; what is not there is looked for once', () => {
    let code: string | undefined = 'EMFILE';
    const readLink = vi.fn((path: string) => {
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      return readlinkSync(path);
    });
    const troubled = rememberOwnIdentity({ pid: process.pid, readLink });
    expect(troubled().pidNamespace).toBeUndefined();
    code = undefined;
    expect(troubled()).toEqual(own);
    code = 'EMFILE';
    expect(troubled()).toEqual(own);

    code = 'ENOENT';
    const without = rememberOwnIdentity({ pid: process.pid, readLink });
    const first = without();
    readLink.mockClear();
    expect(without()).toBe(first);
    expect(readLink).not.toHaveBeenCalled();
  });

  test('that lives is alive, and who had its pid before is dead', () => {
    expect(livenessOf(own)).toBe('alive');
    expect(livenessOf({ ...own, startTicks: '1' })).toBe('dead');
  });

  test('that is gone is dead', () => {
    const { pid } = spawnSync(process.execPath, ['--version']);

    expect(livenessOf({ ...own, pid })).toBe('dead');
  });

  test('that is over but not yet collected is dead', () => {
    // Nobody collects it before this test lets go of the event loop.
    const { pid = 0 } = spawn('true', { stdio: 'ignore' });
    const stat = (): readonly string[] =>
      readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
        .split(') ')[1]!
        .split(' ');
    for (const untilMs = performance.now() + 5_000; stat()[0] !== 'Z' && performance.now() < untilMs;);

    expect(stat()[0]).toBe('Z');
    expect(livenessOf({ ...own, pid, startTicks: stat()[19] })).toBe('dead');
  });

  test.each([
    ['of another boot', { ...own, bootId: 'another' }],
    ['of another pid namespace', { ...own, pidNamespace: 'pid:[1]' }],
    ['that did not say in which boot it is', { ...own, bootId: undefined }],
    ['that did not say in which pid namespace it is', { ...own, pidNamespace: undefined }],
    ['that did not say when it began', { ...own, startTicks: undefined }],
  ])('%s cannot be judged', (_which, other) => {
    expect(livenessOf(other)).toBe('unknown');
  });

  test.each([['bootId'], ['pidNamespace']])('that does not know its own %s judges nobody', (field) => {
    const self = { ...own, [field]: undefined };

    expect(livenessOf(self, self)).toBe('unknown');
  });

  test('of another user, which may not be signalled, is judged all the same', () => {
    vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    });

    expect(livenessOf(own)).toBe('alive');
  });

  test('of which /proc tells nothing cannot be judged', () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    vi.spyOn(process, 'kill').mockReturnValue(true);

    expect(livenessOf({ ...own, pid })).toBe('unknown');
  });

  test('that lives is dead where it was another thread, which has ended', async () => {
    const thread = new Worker(
      `require('node:worker_threads').parentPort.postMessage(require('node:fs').readlinkSync('/proc/thread-self'))
       setInterval(() => {}, 1_000)`,
      { eval: true },
    );
    const [name] = (await once(thread, 'message')) as [string];
    const readLink = (path: string): string => (path === '/proc/thread-self' ? name : readlinkSync(path));
    const other = readOwnIdentity({ pid: process.pid, readLink });

    expect(other.thread).toEqual({
      id: expect.any(Number) as number,
      startTicks: expect.stringMatching(/^\d+$/) as string,
    });
    expect(parseIdentity(JSON.parse(JSON.stringify(other)))).toEqual(other);
    expect(livenessOf(other)).toBe('alive');
    const withoutDescriptors = (name: string): string => {
      if (name.includes('/task/')) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
      return readFileSync(`/proc/${name}/stat`, 'utf8');
    };
    expect(livenessOf(other, own, withoutDescriptors)).toBe('unknown');
    await thread.terminate();
    expect(livenessOf(other)).toBe('dead');
  });

  test('is named by its pid and its host', () => {
    expect(describeProcess({ ...own, pid: 7, host: 'elsewhere' })).toBe('process 7 on elsewhere');
  });
});

describe('what a lock file says of its owner', () => {
  test('is read back as it was written', () => {
    expect(parseIdentity(JSON.parse(JSON.stringify(own)))).toEqual(own);
  });

  test.each([
    [undefined],
    [null],
    ['text'],
    [7],
    [{}],
    [{ pid: '7' }],
    [{ pid: 0 }],
    [{ pid: -1 }],
    [{ pid: 1.5 }],
  ])('%j is no process', (value) => {
    expect(parseIdentity(value)).toBeUndefined();
  });

  test('may be the pid alone: what is missing, or no text, is not known', () => {
    const unknown = { startTicks: undefined, pidNamespace: undefined, bootId: undefined };

    expect(parseIdentity({ pid: 1 })).toEqual({ pid: 1, ...unknown, host: 'an unknown host' });
    expect(parseIdentity({ pid: 1, startTicks: 1, pidNamespace: {}, bootId: null, host: 7 })).toEqual({
      pid: 1,
      ...unknown,
      host: 'an unknown host',
    });
  });
});
