import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { until } from './until.js';

/**
 * Keeps a port that nobody listens on any more from whoever asks for a free one, until the test is over: a server of
 * another test would answer there in the place of one that is away. The test's own server may come back to it.
 */
export async function holdPort(port: number): Promise<void> {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port: otherPort } = other.address() as AddressInfo;
  // A connection from that port: who connects to it is refused all the same.
  const holder = await until(
    'nobody listens there',
    async () => (await connection(otherPort, port)) ?? (await isHeldByClient(port)),
  );
  onTestFinished(() => {
    if (typeof holder === 'object') holder.destroy();
    other.close();
  });
}

/** Whether nobody listens there, although it is taken: by a connection of somebody else, which keeps it as well. */
async function isHeldByClient(port: number): Promise<boolean> {
  const socket = await connection(port);
  socket?.destroy();
  return socket === undefined;
}

/** `undefined` where it is refused, or where it is to come from a port that is taken. */
async function connection(port: number, localPort?: number): Promise<Socket | undefined> {
  const host = '127.0.0.1';
  const socket = connect({ host, port, ...(localPort !== undefined && { localAddress: host, localPort }) });
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'ECONNREFUSED') throw error;
    return undefined;
  }
}
