// Requests with a token, 50 at a time over loopback: what do they cost over a bare `fetch`?
import { createAuthenticatedClient, managerHolding } from './library.mjs';
import { badgatewayHolding, googleHolding } from './peers.mjs';
import { sideBySide } from './side-by-side.mjs';
import { startServer } from './start-server.mjs';

const CONCURRENT = 50;

/** Sends `times` times 50 requests, 50 under way at once. */
function fifty(send) {
  return async (times) => {
    const lane = async () => {
      for (let time = 0; time < times; time += 1) await send();
    };
    await Promise.all(Array.from({ length: CONCURRENT }, lane));
  };
}

export async function measureClient(options) {
  const server = await startServer();
  try {
    const url = `${server.url}/api/thing`;
    const manager = await managerHolding(['monitoring'], server.url);
    const client = createAuthenticatedClient(manager, 'monitoring');
    const [badgateway, google] = await Promise.all([badgatewayHolding(), googleHolding()]);
    const headers = { authorization: 'Bearer token-for-monitoring' };
    const contenders = [
      { name: 'bare fetch', run: fifty(async () => (await fetch(url, { headers })).text()) },
      { name: 'bare fetch, again', run: fifty(async () => (await fetch(url, { headers })).text()) },
      {
        name: '@kilometers/auth',
        target: 1.03,
        run: fifty(async () => (await client(url)).text()),
      },
      {
        name: '@badgateway/oauth2-client',
        run: fifty(async () => (await badgateway.fetch(url)).text()),
      },
      {
        name: 'google-auth-library',
        run: fifty(async () => (await google.request({ url, responseType: 'text' })).data),
      },
    ];
    const title = `${CONCURRENT} requests at once over loopback`;
    const note = `Per ${CONCURRENT} requests, over bare \`fetch\` with the header written by hand; what differs between the first two rows is noise`;
    const batch = { batchMs: 1, warmUpMs: 1_500 };
    return [
      // Three percent is little beside what a busy machine adds: many rounds, with nobody else in them.
      {
        title,
        note,
        rows: await sideBySide(contenders.slice(0, 3), { ...batch, rounds: 1_501, ...options }),
      },
      {
        title: `${title}, with peers`,
        note: 'The same, in a run with the peers',
        rows: await sideBySide(contenders, { ...batch, rounds: 401, ...options }),
      },
    ];
  } finally {
    server.stop();
  }
}
