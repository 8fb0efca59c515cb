import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * Keeps a port that nobody listens on any more from whoever asks for a free one, until the test is over: a server of
 * another test would answer there in the place of one that is away. The test's own server may come back to it.
 */
export async function holdPort(port: number): Promise<void> {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  // A connection from that port: who connects to it is refused all the same.
  const holder = connect({
    host: '127.0.0.1',
    port: (other.address() as AddressInfo).port,
    localAddress: '127.0.0.1',
    localPort: port,
  });
  await once(holder, 'connect');
  onTestFinished(() => {
    holder.destroy();
    other.close();
  });
}
