import {
  DEFAULT_REFRESH_SETTINGS,
  DEFAULT_SCOPE,
  finishRefreshOnSignal,
  type AuthToken,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT, exitCodeFor } from '../exit-code.js';
import { hindered, openManager } from '../open-auth-manager.js';
import { dueToken } from '../refresh/due-token.js';
import { isApartForSession } from '../refresh/is-apart.js';
import type { AccountFlags } from '../settings.js';
import { whileSpinning } from '../terminal/spinner.js';
import type { CredentialHelper } from '../token-format/credential-helper.js';
import { isForOffline } from '../token-format/offline-formats.js';
import { printToken, type PlainFormat } from '../token-format/print-token.js';
import type { ProvedRequest } from '../token-format/dpop-header.js';

export type AuthTokenFlags = AccountFlags &
  Partial<ProvedRequest> & {
    readonly scope?: string;
    /** The token must be good for at least this long, in milliseconds. */
    readonly minValid?: number;
    /** By how much its life counts as longer while no newer one can be had, in milliseconds. */
    readonly offlineLifetime?: number;
    readonly format: PlainFormat | 'dpop-header' | 'git' | 'docker';
    /** For git and docker: servers besides the API's own that may be given the token. */
    readonly host?: readonly string[];
    /** For git and docker: what stands beside the token where a user name must. */
    readonly username?: string;
  };

const USERNAME = 'oauth2';

/** `km auth token`: prints a valid token, and nothing else, to stdout. */
export function runAuthToken(
  action: string | undefined,
  flags: AuthTokenFlags,
  context: CommandContext,
): Promise<number> {
  return whileSpinning('getting a token', context, (spoken) => answerToken(action, flags, spoken));
}

async function answerToken(
  action: string | undefined,
  flags: AuthTokenFlags,
  context: CommandContext,
): Promise<number> {
  const { scope = DEFAULT_SCOPE, format, host: hosts, username = USERNAME } = flags;
  if (flags.offlineLifetime !== undefined && !isForOffline(format))
    throw new CliError(
      `--offline-lifetime is not for --format ${format}: a service is asked with that, and refuses a token past its end`,
      { exitCode: EXIT.usage },
    );
  const help = await helperFor(action, flags);
  const prove = await proverFor(flags);
  const { manager, account, storage, hindrance } = await openManager(flags, context);
  finishRefreshOnSignal(manager, context.process);
  const { minValid: minValidMs = 0, offlineLifetime: offlineLifetimeMs = 0 } = flags;
  const getToken = async (): Promise<AuthToken> => {
    // Only here: git and docker ask for much that takes no token, of servers of others above all.
    if (hindrance !== undefined) throw hindered(hindrance);
    return (
      (await dueToken({ account, storage, scope, minValidMs, flags }, context)) ??
      manager.getValidToken(scope, { wait: 'if-due', minValidMs, offlineLifetimeMs })
    );
  };
  try {
    if (help !== undefined)
      return await help({ account, storage, context, scope, hosts, username, getToken });
    if (prove !== undefined) {
      const token = await getToken();
      await context.answer(`${prove(token, context.clock.nowMs() - (manager.clockSkewMs ?? 0))}\n`);
      return EXIT.done;
    }
    const asked = {
      nowMs: context.clock.nowMs(),
      refreshAheadMs: account.config.refreshAheadMs ?? DEFAULT_REFRESH_SETTINGS.refreshAheadMs,
    };
    const text = printToken(await getToken(), format as PlainFormat, asked, context.environment);
    await context.answer(`${text}\n`);
    return EXIT.done;
  } catch (error) {
    // A session says itself why it has no token.
    if (isApartForSession(context.environment)) return exitCodeFor(error);
    throw error;
  } finally {
    await manager.stop();
  }
}

/** What makes the headers of the request that is meant, loaded for it only. */
async function proverFor(
  flags: AuthTokenFlags,
): Promise<((token: AuthToken, nowMs: number) => string) | undefined> {
  if (flags.format === 'dpop-header') {
    const { dpopHeader, provedRequest } = await import('../token-format/dpop-header.js');
    const request = provedRequest(flags);
    return (token, nowMs) => dpopHeader(token, request, nowMs);
  }
  const given = (['url', 'method', 'nonce'] as const).find((name) => flags[name] !== undefined);
  if (given === undefined) return undefined;
  throw new CliError(`--${given} is for --format dpop-header only; see km auth token --help`, {
    exitCode: EXIT.usage,
  });
}

/**
 * What speaks to git or docker, loaded for them only. What makes sense with them only is refused without them: it would
 * be ignored in silence.
 */
async function helperFor(
  action: string | undefined,
  { format, host, username }: AuthTokenFlags,
): Promise<CredentialHelper | undefined> {
  if (format === 'git' || format === 'docker') {
    const { credentialHelper } = await import('../token-format/credential-helper.js');
    return credentialHelper(format, action);
  }
  if (action === undefined && host === undefined && username === undefined) return undefined;
  const what = action === undefined ? (host === undefined ? '--username' : '--host') : `"${action}"`;
  throw new CliError(`${what} is for --format git or docker only; see km auth token --help`, {
    exitCode: EXIT.usage,
  });
}
