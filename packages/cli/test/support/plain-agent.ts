import https from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** A way of its own to servers, as through a proxy; without TLS, so that a server needs no certificate. */
export class PlainAgent extends https.Agent {
  override createConnection({ host, port }: https.RequestOptions): Duplex {
    return connect(Number(port), host ?? '127.0.0.1');
  }
}
