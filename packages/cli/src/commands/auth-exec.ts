import { constants } from 'node:os';
import { resolve } from 'node:path';
import { DEFAULT_SCOPE, finishRefreshOnSignal, type AuthManager, type AuthToken } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { ChildCommand } from '../exec/child-command.js';
import { KeptFresh } from '../exec/kept-fresh.js';
import { SignalPassing } from '../exec/signal-passing.js';
import { TokenFile } from '../exec/token-file.js';
import { EXIT } from '../exit-code.js';
import { FollowedAccount } from '../followed-account.js';
import { hindered } from '../open-auth-manager.js';
import { withoutOwnSecrets } from '../own-secrets.js';
import type { AccountFlags } from '../settings.js';
import { whileSpinning } from '../terminal/spinner.js';

export type AuthExecFlags = AccountFlags & {
  readonly scope?: string;
  readonly env: string;
  readonly tokenFile?: string;
  readonly refreshSignal?: string;
  readonly passCredentials?: boolean;
};

/** At the end a refresh that was sent is waited for this long, in milliseconds. */
const STOP_MS = 5_000;

/** `km auth exec`: runs a command with a token. */
export async function runAuthExec(
  command: readonly [string, ...string[]],
  flags: AuthExecFlags,
  context: CommandContext,
): Promise<number> {
  const { scope = DEFAULT_SCOPE } = flags;
  const refreshSignal = signalNamed(flags.refreshSignal);
  assertVariableName(flags.env);
  const file = flags.tokenFile === undefined ? undefined : new TokenFile(flags.tokenFile, context);
  const account = await FollowedAccount.open(flags, context);
  const { hindrance } = account.opened;
  if (hindrance !== undefined) throw hindered(hindrance);
  const token = await firstToken(account.manager, scope, context);

  const signals = new SignalPassing(context.process);
  context.onExit(() => file?.remove());
  try {
    file?.write(token);
    const child = await ChildCommand.start(command, environmentFor(token, flags, context.environment));
    signals.attach((signal) => child.signal(signal));
    if (file === undefined && refreshSignal === undefined) return await child.exitCode;
    const onToken = (newer: AuthToken): void => {
      file?.write(newer);
      if (refreshSignal !== undefined) child.signal(refreshSignal);
    };
    const kept = new KeptFresh({
      account,
      scope,
      token,
      onToken,
      tell: context.tell,
      clock: context.clock,
    });
    const exitCode = await child.exitCode;
    kept.end();
    return exitCode;
  } finally {
    file?.remove();
    await stopInTime(account.manager, context);
    signals.end();
  }
}

/** A signal while the token is being obtained ends `km`, once a refresh that was sent is done. */
async function firstToken(manager: AuthManager, scope: string, context: CommandContext): Promise<AuthToken> {
  const release = finishRefreshOnSignal(manager, context.process);
  try {
    return await whileSpinning('getting a token', context, () =>
      manager.getValidToken(scope, { wait: 'if-due' }),
    );
  } catch (error) {
    await manager.stop();
    throw error;
  } finally {
    release();
  }
}

function environmentFor(
  token: AuthToken,
  { env, tokenFile, passCredentials = false }: AuthExecFlags,
  own: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  return {
    // A command that is handed a token has no need of what wins one.
    ...(passCredentials ? own : withoutOwnSecrets(own)),
    ...(tokenFile === undefined ? {} : { KM_TOKEN_FILE: resolve(tokenFile) }),
    [env]: token.reveal(),
  };
}

async function stopInTime(manager: AuthManager, { clock }: CommandContext): Promise<void> {
  await Promise.race([manager.stop(), new Promise<void>((done) => clock.schedule(done, STOP_MS, true))]);
}

function usage(message: string): CliError {
  return new CliError(`${message}; see km auth exec --help`, { exitCode: EXIT.usage });
}

/** `USR1`, `SIGUSR1` or `sigusr1`, as a signal that a process can act on. */
function signalNamed(text: string | undefined): NodeJS.Signals | undefined {
  if (text === undefined) return undefined;
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  if (Object.hasOwn(constants.signals, name) && name !== 'SIGKILL' && name !== 'SIGSTOP')
    return name as NodeJS.Signals;
  throw usage(
    `--refresh-signal ${JSON.stringify(text)} is no signal that a command can act on: give one such as HUP or USR1`,
  );
}

function assertVariableName(name: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return;
  throw usage(`--env ${JSON.stringify(name)} is not the name of an environment variable`);
}
