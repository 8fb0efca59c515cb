// 1,000 callers find the token expired: how many requests do they send, and when has the last of them a token?
import { performance } from 'node:perf_hooks';
import { createAuthManager } from './library.mjs';
import { badgatewayHolding, googleHolding, msalHolding, simpleOAuth2Holding } from './peers.mjs';
import { median } from './side-by-side.mjs';
import { startServer } from './start-server.mjs';

const CALLERS = 1_000;
const ROUNDS = 7;
const LIFETIME_SECONDS = 1;
const epochMs = () => performance.timeOrigin + performance.now();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Each makes something that gets a token from `server`, has had one, and finds it expired. */
const contenders = [
  {
    name: '@kilometers/auth',
    targetRequests: 1,
    targetMs: 10,
    make: async (server) => {
      const manager = createAuthManager({ apiEndpoint: server.url, apiKey: 'km_pro_bench' });
      await manager.getValidToken('monitoring');
      return () => manager.getValidToken('monitoring');
    },
  },
  {
    name: '@badgateway/oauth2-client',
    make: async (server) => {
      const fetcher = await badgatewayHolding(`${server.url}/token`);
      return () => fetcher.getAccessToken();
    },
  },
  {
    name: 'google-auth-library',
    make: async (server) => {
      const client = await googleHolding(`${server.url}/token`);
      await client.getAccessToken();
      return async () => {
        const { token } = await client.getAccessToken();
        return token;
      };
    },
  },
  {
    name: '@azure/msal-node',
    make: (server) =>
      msalHolding(async (_url, options) => {
        const answer = await fetch(`${server.url}/token`, { method: 'POST', body: options?.body });
        return { headers: {}, status: answer.status, body: await answer.json() };
      }),
  },
  {
    name: 'simple-oauth2',
    make: (server) => simpleOAuth2Holding(server.url, '/token'),
  },
];

async function once(contender, server) {
  await server.reset({ lifetimeSeconds: LIFETIME_SECONDS, delayMs: 0 });
  const getToken = await contender.make(server);
  // The callers' token is dead, as it is after a night; the next ones last.
  await pause(LIFETIME_SECONDS * 1_000 + 100);
  await server.reset({ lifetimeSeconds: 3600, delayMs: 50 });
  const answers = await Promise.all(Array.from({ length: CALLERS }, () => getToken()));
  const doneAtMs = epochMs();
  if (answers.some((answer) => answer === undefined || answer === null)) throw new Error('no token');
  const { requests, firstAnswerAtMs } = await server.stats();
  return { requests, afterMs: doneAtMs - firstAnswerAtMs };
}

export async function measureExpired({ rounds = ROUNDS } = {}) {
  const server = await startServer();
  try {
    const results = new Map(contenders.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const contender of contenders) results.get(contender.name).push(await once(contender, server));
    }
    return contenders.map(({ name, targetRequests, targetMs }) => {
      const own = results.get(name);
      return {
        name,
        targetRequests,
        targetMs,
        requests: median(own.map(({ requests }) => requests)),
        afterMs: median(own.map(({ afterMs }) => afterMs)),
        worstMs: Math.max(...own.map(({ afterMs }) => afterMs)),
      };
    });
  } finally {
    server.stop();
  }
}
