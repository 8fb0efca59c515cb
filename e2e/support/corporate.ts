import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { connect, type Socket } from 'node:net';
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
};

export type CorporateOptions = {
  /** User and password that the proxy wants, as `user:password`. */
  readonly credentials?: string;
  /** What the proxy does with a request to connect, instead of connecting. */
  readonly refuse?: (socket: Socket) => void;
  /** Whether what is in front of the API packs each answer, whatever a client says that it takes. */
  readonly isPacking?: boolean;
};

function certificates(folder: string): {
  readonly authority: string;
  readonly key: Buffer;
  readonly cert: Buffer;
} {
  const file = (name: string): string => join(folder, name);
  const run = (program: string, ...args: string[]): Buffer => execFileSync(program, args, { stdio: 'pipe' });
  const openssl = (...args: string[]): Buffer => run('openssl', ...args);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-keyout', file('ca.key'), '-out', file('ca.pem'), '-subj', '/CN=Corp CA');
  openssl('req', ...key, '-keyout', file('api.key'), '-out', file('api.csr'), '-subj', `/CN=${API_HOST}`);
  writeFileSync(file('names'), `subjectAltName=DNS:${API_HOST}`);
  const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2'];
  openssl(
    'x509',
    '-req',
    '-in',
    file('api.csr'),
    ...signed,
    '-extfile',
    file('names'),
    '-out',
    file('api.pem'),
  );
  return {
    authority: file('ca.pem'),
    key: readFileSync(file('api.key')),
    cert: readFileSync(file('api.pem')),
  };
}

/** Puts `api` behind TLS with a certificate of a private authority, and behind a proxy. */
export async function startCorporateNetwork(
  api: RunningLocalApi,
  { credentials, refuse, isPacking = false }: CorporateOptions = {},
): Promise<CorporateNetwork> {
  const { authority, ...own } = certificates(temporaryFolder());
  const requests: string[] = [];
  const tunnels: string[] = [];
  const server = https.createServer(own, (request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const { method, headers, url = '/' } = request;
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
  const proxy = http.createServer((_request, response) => response.writeHead(400).end('this is a proxy'));
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
  const host = `127.0.0.1:${proxyPort}`;
  return {
    endpoint: `https://${API_HOST}`,
    authority,
    proxy: { url: `http://${credentials === undefined ? '' : `${credentials}@`}${host}`, host },
    tunnels: () => tunnels,
    requests: () => requests,
  };
}
