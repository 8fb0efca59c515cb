import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import { join } from 'node:path';
import { createGzip } from 'node:zlib';
import type { RunningLocalApi } from '@kilometers/local-api';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './folder.js';
import { listen } from './listen.js';

/** A name that nothing but the proxy knows. */
export const API_HOST = 'api.corp.test';

/** A network as companies have them: out through a proxy only, and certificates that a company's own authority issued. */
export type CorporateNetwork = {
  /** The API, as it is seen from inside. */
  readonly endpoint: string;
  /** The company's authority, as a PEM file. */
  readonly authority: string;
  readonly proxy: { readonly url: string; readonly host: string };
  /** Whom the proxy was asked to connect to. */
  readonly tunnels: () => readonly string[];
  /** What the API was asked for, through TLS. */
  readonly requests: () => readonly string[];
  /** Who asked, as each of those requests says. */
  readonly products: () => readonly (string | undefined)[];
};

export type CorporateOptions = {
  /** User and password that the proxy wants, as `user:password`. */
  readonly credentials?: string;
  /** The name by which the proxy is known that speaks TLS itself. Default: it speaks plain HTTP, at an address. */
  readonly secureProxy?: string;
  /** What the proxy does with a request to connect, instead of connecting. */
  readonly refuse?: (socket: Socket) => void;
  /** Whether what is in front of the API packs each answer, whatever a client says that it takes. */
  readonly isPacking?: boolean;
};

/** A private authority that issues certificates; `file` is its own. */
function authorityIn(folder: string) {
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=Corp CA');
  const signing = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2'];
  return {
    file: at('ca.pem'),
    issueFor(host: string) {
      const [own, request] = [at(`${host}.key`), at(`${host}.csr`)];
      const [cert, names] = [at(`${host}.pem`), at(`${host}.names`)];
      openssl('req', ...key, '-keyout', own, '-out', request, '-subj', `/CN=${host}`);
      writeFileSync(names, `subjectAltName=${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`);
      openssl('x509', '-req', '-in', request, ...signing, '-extfile', names, '-out', cert);
      return { key: readFileSync(own), cert: readFileSync(cert) };
    },
  };
}

/** Puts `api` behind TLS with a certificate of a private authority, and behind a proxy. */
export async function startCorporateNetwork(
  api: RunningLocalApi,
  { credentials, secureProxy, refuse, isPacking = false }: CorporateOptions = {},
): Promise<CorporateNetwork> {
  const authority = authorityIn(temporaryFolder());
  const requests: string[] = [];
  const products: (string | undefined)[] = [];
  const tunnels: string[] = [];
  const server = https.createServer(authority.issueFor(API_HOST), (request, response) => {
    const { method = '', headers, url = '/' } = request;
    requests.push(`${method} ${url}`);
    products.push(headers['user-agent']);
    const forwarded = http.request(new URL(url, api.url), { method, headers, agent: false }, (answer) => {
      const { 'content-length': length, ...others } = answer.headers;
      const packed = isPacking ? { 'content-encoding': 'gzip' } : { 'content-length': length };
      response.writeHead(answer.statusCode ?? 502, { ...others, ...packed });
      if (isPacking) answer.pipe(createGzip()).pipe(response);
      else answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  const apiPort = await listen(server);
  const sockets = new Set<Socket>();
  const noProxy = (_request: http.IncomingMessage, response: http.ServerResponse): unknown =>
    response.writeHead(400).end('this is a proxy');
  const proxy =
    secureProxy === undefined
      ? http.createServer(noProxy)
      : https.createServer(authority.issueFor(secureProxy), noProxy);
  proxy.on('connect', (request, socket: Socket) => {
    sockets.add(socket);
    tunnels.push(request.url ?? '');
    socket.on('error', () => undefined);
    const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    if (refuse !== undefined) refuse(socket);
    else if (wanted !== undefined && request.headers['proxy-authorization'] !== wanted)
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
    else if (request.url !== `${API_HOST}:443`) socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    else {
      const onward = connect(apiPort, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      sockets.add(onward);
      onward.on('error', () => socket.destroy());
    }
  });
  const proxyPort = await listen(proxy);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  const host = `${secureProxy ?? '127.0.0.1'}:${proxyPort}`;
  const scheme = secureProxy === undefined ? 'http' : 'https';
  const user = credentials === undefined ? '' : `${credentials}@`;
  return {
    endpoint: `https://${API_HOST}`,
    authority: authority.file,
    proxy: { url: `${scheme}://${user}${host}`, host },
    tunnels: () => tunnels,
    requests: () => requests,
    products: () => products,
  };
}
