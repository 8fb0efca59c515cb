import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { startRedis } from '../../packages/auth/test/support/redis-server.js';

/** A real Redis, a key for what is kept in it, and a client that looks at it as it is. */
export type Fleet = {
  readonly url: string;
  readonly key: string;
  readonly raw: Redis;
  readonly server: ChildProcess;
};

/** Starts a Redis that keeps nothing on the disk, and lets everybody in without `password`; it is stopped after the test. */
export async function startFleet(password = ''): Promise<Fleet> {
  const { port, url, process: server, stop } = await startRedis(['--requirepass', password]);
  const raw = new Redis(port, {
    retryStrategy: () => null,
    ...(password !== '' && { password }),
  });
  raw.on('error', () => undefined);
  onTestFinished(async () => {
    raw.disconnect();
    await stop();
  });
  return { url, key: randomBytes(32).toString('base64'), raw, server };
}

/** The process that holds the lock of the fleet's one grant; `undefined` when none does. */
export async function lockOwnerPid({ raw }: Fleet): Promise<number | undefined> {
  const [name] = await raw.keys('km:{*}:lock');
  const token = name === undefined ? null : await raw.get(name);
  return token === null ? undefined : Number(token.split(' ')[2]);
}
