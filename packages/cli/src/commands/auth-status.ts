import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import type { AccountFlags } from '../settings.js';
import type { ProfileStatus } from '../status/profile-status.js';
import { readStatus, type StatusReading } from '../status/read-status.js';
import { statusLines } from '../status/status-lines.js';
import { checkTokens, exitCodeOfChecks } from '../status/token-checks.js';
import { whileSpinning } from '../terminal/spinner.js';
import { styleFor } from '../terminal/style.js';
import { canAnimate, widthOf } from '../terminal/terminal.js';

export type AuthStatusFlags = AccountFlags & {
  readonly json?: boolean;
  readonly watch?: boolean;
  /** Whether to ask who issued the tokens how they are. */
  readonly check?: boolean;
};

/** `km auth status`: how profiles are, from what is stored; asks a server with `--check` only. */
export async function runAuthStatus(flags: AuthStatusFlags, context: CommandContext): Promise<number> {
  if (flags.watch === true) return watch(flags, context);
  const { report, active, hindrance, notices } = await (flags.check === true
    ? whileSpinning('asking who issued the tokens', context, (spoken) =>
        readStatus(flags, spoken, (account, record) => checkTokens(account, record, spoken)),
      )
    : readStatus(flags, context));
  for (const notice of notices) context.tell(`km: ${notice}`);
  const text =
    flags.json === true
      ? JSON.stringify(report, undefined, 2)
      : linesOf({ report, notices: [] }, context).join('\n');
  await context.answer(`${text}\n`);
  if (active.refreshesWithoutHuman) return exitCodeOfChecks(active.checks ?? []);
  const { reason, remedy } = active.outlook;
  context.tell(`km: profile ${active.profile}: ${reason}; ${remedy ?? ''}`);
  return hindrance?.exitCode ?? exitCodeAfter(active);
}

/** Where another login would help it is 4: where one is gone, or its own key or secret is refused. */
function exitCodeAfter({ credential, credentialFrom, lastFailure }: ProfileStatus): number {
  const isOfLogin = credentialFrom === 'login' && credential !== 'refresh_token';
  const isElsewhere = lastFailure?.code === 'KM_AUTH_CONFIGURATION' && !isOfLogin;
  return isElsewhere ? EXIT.failed : EXIT.loginRequired;
}

function linesOf(
  { report, notices }: Pick<StatusReading, 'report' | 'notices'>,
  context: CommandContext,
): readonly string[] {
  const screen = context.screen();
  const look = {
    width: widthOf(screen),
    style: styleFor(screen, context.environment),
    nowMs: context.clock.nowMs(),
  };
  return [...statusLines(report, look), ...notices];
}

/** Goes on looking until Ctrl-C. */
async function watch(flags: AuthStatusFlags, context: CommandContext): Promise<number> {
  if (flags.check === true)
    throw new CliError('--check asks once, and --watch goes on looking: give one, not both', {
      exitCode: EXIT.usage,
    });
  const { watchForProgram, watchOnTerminal } = await import('../status/watch-status.js');
  if (flags.json === true) {
    await watchForProgram(async () => JSON.stringify((await readStatus(flags, context)).report), context);
  } else if (canAnimate(context.stdout(), context.environment)) {
    await watchOnTerminal(async () => linesOf(await readStatus(flags, context), context), context);
  } else {
    throw new CliError('--watch needs a terminal; with --json it prints a line for each change anywhere', {
      exitCode: EXIT.usage,
    });
  }
  return EXIT.done;
}
