/*
 * A program that has nothing but what `km auth login` left: prints the token at hand, the one after a refresh, and what its
 * manager did, as one line of JSON, or why there is none. Run from the built library.
 */
import {
  authConfigFromEnvironment,
  authConfigFromLogin,
  configFolder,
  createAuthManager,
  createFileCache,
} from '@kilometers/auth';

const { env } = process;
const events = [];
let said;
try {
  const cache = createFileCache({ folder: configFolder(env), environment: env });
  const config = await authConfigFromLogin({ ...authConfigFromEnvironment(env), cache });
  const manager = createAuthManager(config);
  manager.subscribe(({ type }) => events.push(type));
  const scope = env.PROGRAM_SCOPE ?? 'monitoring';
  const atHand = await manager.getValidToken(scope);
  const refreshed = await manager.forceRefresh(scope);
  said = { atHand: atHand.reveal(), refreshed: refreshed.reveal(), events };
  await manager.stop();
} catch (error) {
  said = { code: error.code, message: error.message, events };
}
process.stdout.write(`${JSON.stringify(said)}\n`);
