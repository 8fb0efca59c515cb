import {
  DEFAULT_REFRESH_SETTINGS,
  DEFAULT_SCOPE,
  finishRefreshOnSignal,
  type AuthToken,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { openAuthManager } from '../open-auth-manager.js';
import type { AccountFlags } from '../settings.js';
import {
  dockerAction,
  gitAction,
  helpDocker,
  helpGit,
  type HelperOptions,
} from '../token-format/credential-helper.js';
import { printToken, type PlainFormat } from '../token-format/print-token.js';

export type AuthTokenFlags = AccountFlags & {
  readonly scope?: string;
  /** The token must be good for at least this long, in milliseconds. */
  readonly minValid?: number;
  readonly format: PlainFormat | 'git' | 'docker';
  /** For git and docker: servers besides the API's own that may be given the token. */
  readonly host?: readonly string[];
  /** For git and docker: what stands beside the token where a user name must. */
  readonly username?: string;
};

const USERNAME = 'oauth2';

/** `km auth token`: prints a valid token, and nothing else, to stdout. */
export async function runAuthToken(
  action: string | undefined,
  flags: AuthTokenFlags,
  context: CommandContext,
): Promise<number> {
  const { scope = DEFAULT_SCOPE, format } = flags;
  assertFits(action, flags);
  const { manager, account, storage } = await openAuthManager(flags, context);
  finishRefreshOnSignal(manager, context.process);
  const getToken = (): Promise<AuthToken> =>
    manager.getValidToken(scope, {
      wait: 'if-due',
      ...(flags.minValid === undefined ? {} : { minValidMs: flags.minValid }),
    });
  const { host: hosts, username = USERNAME } = flags;
  const helper: HelperOptions = { account, storage, context, scope, hosts, username, getToken };
  try {
    if (format === 'git') return await helpGit(gitAction(action), helper);
    if (format === 'docker') return await helpDocker(dockerAction(action), helper);
    const token = await getToken();
    const asked = {
      nowMs: context.clock.nowMs(),
      refreshAheadMs: account.config.refreshAheadMs ?? DEFAULT_REFRESH_SETTINGS.refreshAheadMs,
    };
    await context.answer(`${printToken(token, format, asked, context.environment)}\n`);
    return EXIT.done;
  } finally {
    await manager.stop();
  }
}

/** What only makes sense with git or docker is refused without them: it would be ignored in silence. */
function assertFits(action: string | undefined, { format, host, username }: AuthTokenFlags): void {
  if (format === 'git') gitAction(action);
  else if (format === 'docker') dockerAction(action);
  else if (action !== undefined || host !== undefined || username !== undefined) {
    const what = action === undefined ? (host === undefined ? '--username' : '--host') : `"${action}"`;
    throw new CliError(`${what} is for --format git or docker only; see km auth token --help`, {
      exitCode: EXIT.usage,
    });
  }
}
