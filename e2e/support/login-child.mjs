/*
 * A program with a login of its own: prints `ready`, waits for the end of its input if LOGIN_GATE is set,
 * then prints a token as one line of JSON, or why there is none. With LOGIN_IDLE_BESIDE it has managers beside that one
 * that ask for nothing.
 */
import { finishRefreshOnSignal } from '@kilometers/auth';
import { openLogin } from './open-login.mjs';

const { cache, manager, waits } = openLogin();
const hasOthers = process.env.LOGIN_IDLE_BESIDE !== undefined;
if (hasOthers) finishRefreshOnSignal(openLogin().manager, process);
finishRefreshOnSignal(manager, process);
if (hasOthers) finishRefreshOnSignal(openLogin().manager, process);

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
