/*
 * A program with a login of its own: prints `ready`, waits for the end of its input if LOGIN_GATE is set,
 * then prints a token as one line of JSON, or why there is none. Its wall clock is LOGIN_CLOCK_AHEAD_MS fast. Run from
 * the built library.
 */
import {
  configFolder,
  createAuthManager,
  createDebugLog,
  createFileCache,
  finishRefreshOnSignal,
  systemClock,
} from '@kilometers/auth';

const { env } = process;
const aheadMs = Number(env.LOGIN_CLOCK_AHEAD_MS ?? 0);
const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };
const cache = createFileCache({ folder: configFolder(env), environment: env, clock });
const manager = createAuthManager({
  apiEndpoint: env.LOGIN_URL,
  refreshToken: env.LOGIN_REFRESH_TOKEN,
  apiKey: env.LOGIN_API_KEY,
  cache,
  clock,
  ...(env.LOGIN_TIMEOUT_MS !== undefined && { requestTimeoutMs: Number(env.LOGIN_TIMEOUT_MS) }),
});
manager.subscribe(createDebugLog((line) => process.stderr.write(`${line}\n`)));
finishRefreshOnSignal(manager, process);

process.stdout.write('ready\n');
if (env.LOGIN_GATE !== undefined) {
  await new Promise((resolve) => process.stdin.once('end', resolve).resume());
}
let said;
try {
  const token = await manager.getValidToken('monitoring');
  said = { token: token.reveal(), source: cache.keySource() };
} catch (error) {
  said = { code: error.code, message: error.message };
}
process.stdout.write(`${JSON.stringify(said)}\n`);
await manager.stop();
