/*
 * A program with a login at an OAuth server: prints `ready`, waits for the end of its input if LOGIN_GATE is set, then
 * prints a token as one line of JSON, or why there is none. Run from the built library.
 */
import {
  configFolder,
  createAuthManager,
  createDebugLog,
  createDocumentFile,
  createFileCache,
  createOAuthProvider,
  finishRefreshOnSignal,
} from '@kilometers/auth';

const { env } = process;
const folder = configFolder(env);
const provider = createOAuthProvider({
  issuer: env.OAUTH_ISSUER,
  clientId: env.OAUTH_CLIENT,
  ...(env.OAUTH_DPOP !== undefined && { dpop: true }),
  ...(env.OAUTH_RESOURCE !== undefined && { resources: [env.OAUTH_RESOURCE] }),
  documents: createDocumentFile({ folder, random: Math.random }),
});
const manager = createAuthManager({
  provider,
  refreshToken: env.LOGIN_REFRESH_TOKEN,
  loginId: env.LOGIN_ID,
  cache: createFileCache({ folder, environment: env }),
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
  const token = await manager.getValidToken(env.OAUTH_SCOPE ?? 'default');
  said = { token: token.reveal() };
} catch (error) {
  said = { code: error.code, message: error.message };
}
process.stdout.write(`${JSON.stringify(said)}\n`);
await manager.stop();
