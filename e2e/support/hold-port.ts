import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { until } from './until.js';

/**
 * Keeps a port that nobody listens on any more from whoever asks for a free one, until the test is over: a server of
 * another test would answer there in the place of one that is away. The test's own server may come back to it.
 */
export async function holdPort(port: number): Promise<void> {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  // A connection from that port: who connects to it is refused all the same.
  const holder = await until('the port is free', () =>
    connectFrom(port, other).catch((error: unknown) => {
      // In the meantime a client was given it, which listens to nobody, and is soon gone.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      return undefined;
    }),
  );
  onTestFinished(() => {
    holder?.destroy();
    other.close();
  });
}

async function connectFrom(localPort: number, server: Server): Promise<Socket> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.1', localPort });
  await once(socket, 'connect');
  return socket;
}
