import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './folder.js';
import { until } from './until.js';

/** Whether there is a Redis to test with. Says so, loudly, when there is none. */
export const HAS_REDIS = spawnSync('redis-server', ['--version']).status === 0;
if (!HAS_REDIS) console.warn('!!!!!!!!  redis-server is missing: what needs it is SKIPPED.  !!!!!!!!');

/** A real Redis, a key for what is kept in it, and a client that looks at it as it is. */
export type Fleet = {
  readonly url: string;
  readonly key: string;
  readonly raw: Redis;
  readonly server: ChildProcess;
};

/** Starts a Redis that keeps nothing on the disk, and lets everybody in without `password`; it is stopped after the test. */
export async function startFleet(password = ''): Promise<Fleet> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', temporaryFolder()];
  const server = spawn('redis-server', [...own, '--requirepass', password], { stdio: 'ignore' });
  const raw = new Redis(port, {
    lazyConnect: true,
    retryStrategy: () => null,
    ...(password !== '' && { password }),
  });
  raw.on('error', () => undefined);
  onTestFinished(() => {
    raw.disconnect();
    server.kill('SIGKILL');
  });
  await until('Redis answers', () =>
    raw.connect().then(
      () => true,
      () => false,
    ),
  );
  return {
    url: `redis://127.0.0.1:${String(port)}`,
    key: randomBytes(32).toString('base64'),
    raw,
    server,
  };
}

/** The process that holds the lock of the fleet's one grant; `undefined` when none does. */
export async function lockOwnerPid({ raw }: Fleet): Promise<number | undefined> {
  const [name] = await raw.keys('km:{*}:lock');
  const token = name === undefined ? null : await raw.get(name);
  return token === null ? undefined : Number(token.split(' ')[2]);
}
