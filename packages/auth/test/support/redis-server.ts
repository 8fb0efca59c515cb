import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { vi } from 'vitest';

/** Whether there is a Redis to test with. Says so, loudly, when there is none. */
export const HAS_REDIS = spawnSync('redis-server', ['--version']).status === 0;
if (!HAS_REDIS) console.warn('!!!!!!!!  redis-server is missing: what needs it is SKIPPED.  !!!!!!!!');

/** A real Redis that keeps nothing on the disk. */
export type RedisServer = {
  readonly port: number;
  readonly url: string;
  readonly process: ChildProcess;
  readonly stop: () => Promise<void>;
};

/** The user that docs/fleet.md describes, with the password `pass`, as Redis is told of one. */
export function documentedUser(): readonly string[] {
  const page = readFileSync(new URL('../../../../docs/fleet.md', import.meta.url), 'utf8');
  const said = /Give the user of Redis only `(~km:\*)` and the commands\n([^]*?)\n\n/.exec(page);
  const [, names = '', commands = ''] = said ?? [];
  return [
    'on',
    '>pass',
    names,
    ...[...commands.matchAll(/`([A-Z]+)`/g)].map(([, name]) => `+${String(name)}`),
  ];
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether Redis listens there, and not another that was given the port. Of one that speaks TLS only that somebody listens. */
async function answers(port: number, isTls: boolean): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  // Another may take what it is sent and never answer.
  socket.setTimeout(2_000, () => socket.destroy(new Error('nobody answers')));
  try {
    await once(socket, 'connect');
    if (isTls) return true;
    socket.write('PING\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return /^(\+PONG|-NOAUTH|-NOPERM|-LOADING|-MASTERDOWN)/.test(answer.toString());
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Starts one on loopback. `settings` are its own, as in `['--requirepass', 'x']`. */
export async function startRedis(settings: readonly string[] = [], at?: number): Promise<RedisServer> {
  for (let tries = 1; ; tries += 1) {
    const port = at ?? (await freePort());
    const own = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', [...own, '--dir', '/tmp', ...settings], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const isOver = (): boolean => child.exitCode !== null;
    const stop = async (): Promise<void> => {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await ended;
    };
    const answered = vi.waitFor(
      async () => {
        if (!isOver() && !(await answers(port, settings.includes('--tls-port'))))
          throw new Error('redis-server does not answer');
      },
      { timeout: 45_000, interval: 10 },
    );
    await answered.catch(async (error: unknown) => {
      await stop();
      throw error;
    });
    if (!isOver()) return { port, url: `redis://127.0.0.1:${String(port)}`, process: child, stop };
    if (tries === 5) throw new Error('redis-server does not start');
  }
}
