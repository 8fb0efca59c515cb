/*
 * A program with a login of its own: prints `ready`, waits for the end of its input if LOGIN_GATE is set,
 * then prints a token as one line of JSON, or why there is none.
 */
import { finishRefreshOnSignal } from '@kilometers/auth';
import { openLogin } from './open-login.mjs';

const { cache, manager, waits } = openLogin();
finishRefreshOnSignal(manager, process);

process.stdout.write('ready\n');
if (process.env.LOGIN_GATE !== undefined) {
  await new Promise((resolve) => process.stdin.once('end', resolve).resume());
}
let said;
try {
  const token = await manager.getValidToken('monitoring');
  said = { token: token.reveal(), source: cache.keySource(), waits };
} catch (error) {
  said = { code: error.code, message: error.message };
}
process.stdout.write(`${JSON.stringify(said)}\n`);
await manager.stop();
