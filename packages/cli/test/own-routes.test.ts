import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { connect, type AddressInfo, type Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { OwnRoutes, type OwnRoute } from '../src/network/own-routes.js';
import { FakeClock } from './support/fake-clock.js';

/** TLS without a certificate. */
const PSK = { ciphers: 'PSK+HIGH', maxVersion: 'TLSv1.2' } as const;
const SHARED_KEY = Buffer.alloc(16, 1);

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The route through a proxy to an API that answers everything. */
async function routeToApi(): Promise<OwnRoute> {
  const api = https.createServer({ ...PSK, pskCallback: () => SHARED_KEY }, (_, response) => response.end());
  const proxy = http.createServer();
  const apiPort = await listen(api);
  proxy.on('connect', (_request, socket) => {
    const onward = connect(apiPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [socket, onward]) end.on('error', () => undefined);
  });
  const proxyPort = await listen(proxy);
  const environment = { HTTPS_PROXY: `http://127.0.0.1:${String(proxyPort)}` };
  const route = new OwnRoutes(environment, new FakeClock(), 4_000).to(new URL('https://api.example'));
  if (route === undefined) throw new Error('nothing but Node is needed');
  onTestFinished(() => {
    route.kept.destroy();
    for (const server of [api, proxy]) server.close();
    api.closeAllConnections();
  });
  return route;
}

async function ask(agent: https.Agent): Promise<void> {
  const identity = {
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk: SHARED_KEY, identity: 'km' }),
  };
  const request = https.request({ ...PSK, ...identity, host: 'api.example', agent });
  request.end();
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  await once(answer.resume(), 'end');
  await nextTurn();
}

test('a connection through a proxy is used again, and let go once nobody has used it for as long as is said', async () => {
  const { kept } = await routeToApi();
  const idle = () => Object.values(kept.freeSockets).flatMap((sockets) => sockets ?? []);
  await ask(kept);
  await ask(kept);
  const [socket] = idle();
  expect([idle().length, socket?.timeout]).toEqual([1, 4_000]);
  // As when that time is over.
  socket?.emit('timeout');
  expect(socket?.destroyed).toBe(true);
});

test('one that is for a single request is not kept', async () => {
  const { once: single } = await routeToApi();
  await ask(single);
  expect([single.freeSockets, single.options.timeout]).toEqual([{}, undefined]);
});
