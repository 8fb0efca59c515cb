/*
 * A program with a login that runs for long. For each line of its input it prints one of JSON: for `token` the token that
 * it has by now, for `call` how a request with it went, and what it waited for by the clock until then; or why there is none.
 */
import { createInterface } from 'node:readline';
import { createAuthenticatedClient } from '@kilometers/auth';
import { openLogin } from './open-login.mjs';

const SCOPE = 'monitoring';
const { manager, waits } = openLogin();
const send = createAuthenticatedClient(manager, SCOPE);

const answers = {
  token: async () => ({ token: (await manager.getValidToken(SCOPE)).reveal() }),
  call: async () => ({ status: (await send(`${process.env.LOGIN_URL}/api/auth/validate`)).status }),
};

manager.start();
for await (const line of createInterface({ input: process.stdin })) {
  const before = waits.length;
  const said = await answers[line]().catch(({ code, message }) => ({ code, message }));
  const waitedMs = waits.slice(before).reduce((sum, { delayMs }) => sum + delayMs, 0);
  process.stdout.write(`${JSON.stringify(line === 'call' ? { ...said, waitedMs } : said)}\n`);
}
await manager.stop();
