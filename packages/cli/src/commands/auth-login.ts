import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { logIn } from '../login/log-in.js';
import type { AuthLoginFlags } from '../login/login-kind.js';

/** `km auth login`: proves a credential by getting a token with it, and only then stores it. */
export async function runAuthLogin(flags: AuthLoginFlags, context: CommandContext): Promise<number> {
  await logIn(flags, context);
  return EXIT.done;
}
