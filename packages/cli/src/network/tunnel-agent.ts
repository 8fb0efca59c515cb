import http from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '@kilometers/auth';
import { messageOf } from '../message-of.js';
import { proxyAuthorization } from './proxy-choice.js';

export type TunnelAgentOptions = {
  /** The proxy: an http or https URL, with user and password where it wants them. `undefined`: no proxy. */
  readonly proxy: URL | undefined;
  /** Whom TLS trusts; `undefined` for whom Node does. */
  readonly ca: readonly string[] | undefined;
  /** How long a connection is kept that nobody uses, in milliseconds; `undefined`: each request has one of its own. */
  readonly idleMs: number | undefined;
  readonly clock: Clock;
};

/** A proxy that has not opened a way by then will not, in milliseconds. */
const TUNNEL_TIMEOUT_MS = 30_000;

/** Speaks TLS with servers, through a proxy where there is one (RFC 9110 §9.3.6). */
export class TunnelAgent extends https.Agent {
  readonly #options: TunnelAgentOptions;

  constructor(options: TunnelAgentOptions) {
    const { ca, idleMs } = options;
    super({
      ...(idleMs !== undefined && { keepAlive: true, timeout: idleMs }),
      ...(ca !== undefined && { ca: [...ca] }),
    });
    this.#options = options;
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const { proxy } = this.#options;
    if (proxy === undefined) return super.createConnection(options, callback);
    this.#tunnelTo(proxy, options).then(
      (socket) => {
        const secured = super.createConnection({ ...options, socket } as https.RequestOptions);
        if (secured != null) callback?.(null, secured);
      },
      (error: unknown) => {
        // Who waits for the connection looks at the error first.
        callback?.(error instanceof Error ? error : new Error(String(error)), undefined as unknown as Duplex);
      },
    );
    return undefined;
  }

  #tunnelTo(proxy: URL, { host, port }: https.RequestOptions): Promise<Socket> {
    const { ca, clock } = this.#options;
    const target = `${hostOf(host)}:${port ?? 443}`;
    const authorization = proxyAuthorization(proxy);
    const proxyHost = proxy.hostname.replace(/^\[|\]$/g, '');
    const ask = proxy.protocol === 'https:' ? https.request : http.request;
    return new Promise((resolve, reject) => {
      const asked = ask({
        method: 'CONNECT',
        host: proxyHost,
        // Node would ask for the target's certificate, which is in the header: no name is sent for an address (RFC 6066 §3).
        servername: isIP(proxyHost) === 0 ? proxyHost : '',
        port: proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : Number(proxy.port),
        path: target,
        agent: false,
        headers: {
          host: target,
          ...(authorization !== undefined && { 'proxy-authorization': authorization }),
        },
        ...(ca !== undefined && { ca: [...ca] }),
      });
      const cancel = clock.schedule(
        () => asked.destroy(new Error('it took too long')),
        TUNNEL_TIMEOUT_MS,
        false,
      );
      const fail = (why: string, cause?: unknown): void => {
        cancel();
        reject(new Error(`the proxy ${proxy.host} ${why}`, { cause }));
      };
      asked.on('error', (error) => fail(`cannot be used: ${messageOf(error)}`, error));
      // A proxy that answers as if it were asked for a page.
      asked.on('response', (answer) => {
        asked.destroy();
        fail(refusal(answer.statusCode ?? 0, target));
      });
      asked.on('connect', (answer, socket, head) => {
        const { statusCode = 0 } = answer;
        if (statusCode >= 200 && statusCode < 300) {
          cancel();
          if (head.length > 0) socket.unshift(head);
          resolve(socket);
          return;
        }
        socket.destroy();
        fail(refusal(statusCode, target));
      });
      asked.end();
    });
  }
}

function refusal(status: number, target: string): string {
  const what = `does not let this through to ${target}: it answered ${status}`;
  return status === 407
    ? `${what}; put user and password into its address, as in http://USER:PASSWORD@…`
    : what;
}

/** The name of a host in a request: an IPv6 address is in brackets. */
function hostOf(host: string | null | undefined): string {
  const name = host ?? '';
  return name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
}
