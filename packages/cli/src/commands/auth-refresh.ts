import {
  DEFAULT_SCOPE,
  finishRefreshOnSignal,
  formatDuration,
  scopeKey,
  type AuthToken,
  type GrantRecord,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT, exitCodeFor } from '../exit-code.js';
import { grantOfAccount } from '../grant-of-account.js';
import { openAuthManager } from '../open-auth-manager.js';
import { refreshScopes, type ScopeRefresh } from '../refresh/refresh-scopes.js';
import type { Account, AccountFlags } from '../settings.js';
import { whileSpinning } from '../terminal/spinner.js';

export type AuthRefreshFlags = AccountFlags & {
  readonly scope?: readonly string[];
  readonly all?: boolean;
  readonly ifDue?: boolean;
  readonly json?: boolean;
};

/** Longer than any refresh: who asks for one waits until it has worked or failed. */
const DEADLINE_MS = 86_400_000;

/** `km auth refresh`: refreshes now, or what is due now. */
export function runAuthRefresh(flags: AuthRefreshFlags, context: CommandContext): Promise<number> {
  return whileSpinning('refreshing', context, (spoken) => refresh(flags, spoken));
}

async function refresh(flags: AuthRefreshFlags, context: CommandContext): Promise<number> {
  const { all = false, ifDue = false } = flags;
  if (all && flags.scope !== undefined) {
    throw new CliError('give --scope or --all, not both', { exitCode: EXIT.usage });
  }
  const opened = await openAuthManager(flags, context, { refreshDeadlineMs: DEADLINE_MS });
  const { manager, account, storage } = opened;
  finishRefreshOnSignal(manager, context.process);
  try {
    const { key, keySuffix } = grantOfAccount(account);
    const stored = tokensByScope(await storage.cache.getGrant(key), keySuffix);
    const scopes = all
      ? [...stored.keys()].sort()
      : [...new Set((flags.scope ?? [DEFAULT_SCOPE]).map(scopeKey))];
    const results = await refreshScopes({ manager, scopes, stored, ifDue });
    const nowMs = context.clock.nowMs();
    const isNobody = results.length === 0 && account.credential === undefined;
    if (isNobody) context.tell(`km: nobody is logged in; run \`${account.loginCommand}\``);
    else if (results.length === 0) context.tell('km: there are no tokens yet; see km auth token --help');
    for (const result of results) context.tell(`km: ${lineOf(result, nowMs)}`);
    if (flags.json === true) await context.answer(`${JSON.stringify(reportOf(results, account))}\n`);
    const [failure] = results.filter((result) => result.outcome === 'failed');
    if (failure !== undefined) return exitCodeFor(failure.error);
    return isNobody ? EXIT.loginRequired : EXIT.done;
  } finally {
    await manager.stop();
  }
}

function tokensByScope(record: GrantRecord | undefined, keySuffix: string): ReadonlyMap<string, AuthToken> {
  const own = [...(record?.tokens ?? [])].filter(([key]) => key.endsWith(keySuffix));
  return new Map(own.map(([key, token]) => [key.slice(0, key.length - keySuffix.length), token]));
}

function lineOf(result: ScopeRefresh, nowMs: number): string {
  if (result.outcome === 'failed') return `${result.scope}: not refreshed: ${result.error.message}`;
  const goodFor = `good for ${formatDuration(result.token.remainingMs(nowMs))}`;
  const words = { refreshed: 'refreshed', adopted: 'refreshed by another process', 'not-due': 'not due yet' };
  return `${result.scope}: ${words[result.outcome]}, ${goodFor}`;
}

/** What `--json` prints. Members may be added; those here stay. */
function reportOf(results: readonly ScopeRefresh[], { profile, endpoint }: Account) {
  return {
    profile: profile.value,
    endpoint: endpoint.value,
    scopes: results.map((result) => {
      const { scope, outcome } = result;
      return result.outcome === 'failed'
        ? { scope, outcome, expiresAt: null, code: result.error.code, message: result.error.message }
        : {
            scope,
            outcome,
            expiresAt: new Date(result.token.expiresAtMs).toISOString(),
            code: null,
            message: null,
          };
    }),
  };
}
