import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { freePort, startRedis } from '../../packages/auth/test/support/redis-server.js';
import { temporaryFolder } from './folder.js';
import type { Certificates } from './oauth-certificates.js';

/** A real Redis, a key for what is kept in it, and a client that looks at it as it is. */
export type Fleet = {
  readonly url: string;
  readonly key: string;
  readonly raw: Redis;
  /** The one that runs now. */
  readonly server: ChildProcess;
  /** Kills it, and starts another at the same address, with what it kept on its disk. */
  readonly restart: () => Promise<void>;
};

export type FleetOptions = {
  /** Everybody is let in without one. */
  readonly password?: string;
  /** With them it speaks TLS only. */
  readonly certificates?: Certificates;
  /** Whether it keeps what it has on the disk. Default: no. */
  readonly isDurable?: boolean;
};

function tlsSettings(port: number, folder: string, { server, caFile }: Certificates): readonly string[] {
  const [cert, key] = [join(folder, 'server.pem'), join(folder, 'server.key')];
  writeFileSync(cert, server.cert);
  writeFileSync(key, server.key);
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', caFile];
  return ['--port', '0', '--tls-port', String(port), ...files, '--tls-auth-clients', 'no'];
}

/** Starts a Redis; it is stopped after the test. */
export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const { password = '', certificates, isDurable = false } = options;
  const [folder, port] = [temporaryFolder(), await freePort()];
  const settings = [
    ...['--requirepass', password],
    ...(isDurable ? ['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always'] : []),
    ...(certificates === undefined ? [] : tlsSettings(port, folder, certificates)),
  ];
  let server = await startRedis(settings, port);
  const raw = new Redis(port, {
    retryStrategy: () => 20,
    ...(password !== '' && { password }),
    ...(certificates !== undefined && { tls: { rejectUnauthorized: false } }),
  });
  raw.on('error', () => undefined);
  onTestFinished(async () => {
    raw.disconnect();
    await server.stop();
  });
  return {
    url: `${certificates === undefined ? 'redis' : 'rediss'}://127.0.0.1:${String(port)}`,
    key: randomBytes(32).toString('base64'),
    raw,
    get server() {
      return server.process;
    },
    restart: async () => {
      await server.stop();
      server = await startRedis(settings, port);
    },
  };
}

/** The process that holds the lock of the fleet's one grant; `undefined` when none does. */
export async function lockOwnerPid({ raw }: Fleet): Promise<number | undefined> {
  const [name] = await raw.keys('km:{*}:lock');
  const token = name === undefined ? null : await raw.get(name);
  return token === null ? undefined : Number(token.split(' ')[2]);
}
