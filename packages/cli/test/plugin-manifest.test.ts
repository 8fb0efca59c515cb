import { once } from 'node:events';
import { Agent, createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAgentFetch } from '../src/network/agent-fetch.js';
import { fetchPlugins } from '../src/plugins/plugin-manifest.js';
import { endlessBody } from './support/endless-body.js';
import { FakeClock } from './support/fake-clock.js';

/** Asks a server that begins an answer; `goOn` is what it does when the client has the beginning. */
async function askOneThat(goOn: (response: ServerResponse, clock: FakeClock) => void) {
  const answers: ServerResponse[] = [];
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"plugins":');
    answers.push(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const send = createAgentFetch(() => Promise.resolve(new Agent()), 'km/1');
  const clock = new FakeClock();
  const { port } = server.address() as AddressInfo;
  return fetchPlugins({
    url: `http://127.0.0.1:${String(port)}/api/plugins/manifest`,
    fetch: async (input, init) => {
      const response = await send(input, init);
      for (const answer of answers) goOn(answer, clock);
      return response;
    },
    clock,
    platform: { os: 'linux', arch: 'x64' },
    cliVersion: '1.0.0',
  }).catch((error: unknown) => error);
}

test('an answer that is cut off on a way of its own can be had later', async () => {
  const failure = await askOneThat((response) => response.destroy());
  expect(failure).toMatchObject({
    exitCode: 75,
    message: expect.stringMatching(
      /^http:.* cannot be used now: the connection was closed in the middle of the answer; try again later$/,
    ) as string,
  });
});

test('so can one that does not end', async () => {
  const failure = await askOneThat((_, clock) => void clock.advance(15_000));
  expect(failure).toMatchObject({
    exitCode: 75,
    message: expect.stringMatching(/cannot be used now: no answer within 15 s; try again later$/) as string,
  });
});

const plain = {
  url: 'https://api.example/api/plugins/manifest',
  clock: new FakeClock(),
  cliVersion: '1.0.0',
};
const options = { ...plain, platform: { os: 'linux', arch: 'x64' } };

test.each([302, 307])(
  'an answer that leads elsewhere (%i) is not followed, and can be had later',
  async (status) => {
    const inits: (RequestInit | undefined)[] = [];
    const answer = fetchPlugins({
      ...options,
      fetch: async (_, init) => {
        inits.push(init);
        return new Response('{"plugins":[]}', { status, headers: { location: 'https://portal.example/' } });
      },
    });
    await expect(answer).rejects.toMatchObject({
      exitCode: 75,
      message: expect.stringMatching(
        new RegExp(`HTTP ${String(status)}: it sends elsewhere, where no token is sent`),
      ) as string,
    });
    expect(inits).toMatchObject([{ redirect: 'manual' }]);
  },
);

test('of an answer that goes on and on only the start is read', async () => {
  const { body, sent } = endlessBody();
  const answer = fetchPlugins({ ...options, fetch: async () => new Response(body) });
  await expect(answer).rejects.toMatchObject({
    exitCode: 75,
    message: expect.stringContaining('the answer is not from the Kilometers API') as string,
  });
  expect(sent()).toBeLessThan(2_000_000);
});

test('a host none of whose addresses takes connections is said to refuse them', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const agent = new Agent({
    lookup: (_host, _options, done) =>
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ]),
  });
  const answer = fetchPlugins({
    ...options,
    url: `http://two.example:${String(port)}/`,
    fetch: createAgentFetch(() => Promise.resolve(agent), 'km/1'),
  });
  await expect(answer).rejects.toMatchObject({
    exitCode: 75,
    message: expect.stringMatching(
      /cannot be used now: connect ECONNREFUSED \S+; try again later$/,
    ) as string,
  });
});
