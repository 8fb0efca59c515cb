/*
 * A program with a login that runs for long. For each line of its input it prints one of JSON: for `token` the token that
 * it has by now, for `call` how a request with it went; or why there is none.
 */
import { createInterface } from 'node:readline';
import { createAuthenticatedClient } from '@kilometers/auth';
import { openLogin } from './open-login.mjs';

const SCOPE = 'monitoring';
const { manager } = openLogin();
const send = createAuthenticatedClient(manager, SCOPE);

const answers = {
  token: async () => ({ token: (await manager.getValidToken(SCOPE)).reveal() }),
  call: async () => ({ status: (await send(`${process.env.LOGIN_URL}/api/auth/validate`)).status }),
};

manager.start();
for await (const line of createInterface({ input: process.stdin })) {
  const said = await answers[line]().catch(({ code, message }) => ({ code, message }));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
await manager.stop();
