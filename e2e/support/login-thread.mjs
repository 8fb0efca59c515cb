/*
 * A program of two threads with one login: the other asks for a token, and is ended once this one's input is at its end,
 * wherever it is; then this one asks, and prints the token as login-child.mjs does.
 */
import { isMainThread, Worker } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { openLogin } from './open-login.mjs';

const { cache, manager, waits } = openLogin();
if (isMainThread) {
  const thread = new Worker(fileURLToPath(import.meta.url));
  process.stdout.write('ready\n');
  await new Promise((resolve) => process.stdin.once('end', resolve).resume());
  await thread.terminate();
  const token = await manager.getValidToken('monitoring');
  process.stdout.write(`${JSON.stringify({ token: token.reveal(), source: cache.keySource(), waits })}\n`);
  await manager.stop();
} else {
  await manager.getValidToken('monitoring');
}
