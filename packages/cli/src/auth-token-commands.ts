import { Command, Option } from 'commander';
import { addAccountOptions, addExample } from './command-options.js';
import type { CommandContext } from './command-context.js';
import type { AuthExecFlags } from './commands/auth-exec.js';
import type { AuthRefreshFlags } from './commands/auth-refresh.js';
import type { AuthRevokeFlags } from './commands/auth-revoke.js';
import type { AuthStatsFlags } from './commands/auth-stats.js';
import type { AuthTokenFlags } from './commands/auth-token.js';
import {
  collect,
  collectScopes,
  joinScopes,
  parseDuration,
  parseLookBack,
  parseOfflineLifetime,
} from './flag-values.js';

type ExitWith = (code: number) => void;

/** What `km auth` does with tokens. */
export const TOKEN_COMMANDS = [tokenCommand, execCommand, refreshCommand, revokeCommand, statsCommand];

function tokenCommand(context: CommandContext, exitWith: ExitWith): Command {
  const token = new Command('token')
    .description('print a valid token, and nothing else')
    .argument('[action]', 'what git or docker asks of a credential helper: get, store, erase')
    .option(
      '--scope <scope>',
      'what the token is for, as in "monitoring"; may be given more than once',
      joinScopes,
    )
    .option('--min-valid <duration>', 'good for at least this long, as in 60s', parseDuration)
    .option(
      '--offline-lifetime <duration>',
      'while no newer one can be had, also one that ended less than this ago, as in 8h',
      parseOfflineLifetime,
    )
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(['raw', 'header', 'dpop-header', 'json', 'k8s', 'aws', 'git', 'docker'])
        .default('raw'),
    )
    .option('--url <url>', 'dpop-header: of the request')
    .option('--method <method>', 'dpop-header: of the request (default: "GET")')
    .option('--nonce <nonce>', 'dpop-header: the last DPoP-Nonce')
    .option(
      '--host <host>',
      'git, docker: another server that may be given the token; may be given more than once',
      collect,
    )
    .option('--username <name>', 'git, docker: the user name beside the token (default: "oauth2")');
  addAccountOptions(token);
  addExample(token, 'curl -H "$(km auth token --format header)" https://api.kilometers.ai/api/user/features');
  return token.action(async (action: string | undefined, flags: AuthTokenFlags) => {
    const { runAuthToken } = await import('./commands/auth-token.js');
    exitWith(await runAuthToken(action, flags, context));
  });
}

function execCommand(context: CommandContext, exitWith: ExitWith): Command {
  const command: Command = new Command('exec')
    .description('run a command with a token in its environment; signals and its exit code are passed on')
    .argument('[command...]', 'the command and its arguments, after "--"')
    .option(
      '--scope <scope>',
      'what the token is for, as in "monitoring"; may be given more than once',
      joinScopes,
    )
    .option('--env <name>', 'the variable that the token is in', 'KM_TOKEN')
    .option('--token-file <file>', 'also keep the token in this file, fresh while the command runs')
    .option(
      '--refresh-signal <signal>',
      'send the command this signal when there is a newer token, as in HUP',
    )
    .option('--pass-credentials', "leave km's own credentials (KILOMETERS_API_KEY) in the environment")
    .passThroughOptions();
  addAccountOptions(command);
  addExample(command, 'km auth exec --scope monitoring -- sh -c \'echo "${#KM_TOKEN} characters"\'');
  return command.action(async (words: readonly string[], flags: AuthExecFlags) => {
    const [file, ...args] = words;
    if (file === undefined || file === '') {
      command.error('missing the command to run; usage: km auth exec -- COMMAND [ARGUMENT...]');
    }
    const { runAuthExec } = await import('./commands/auth-exec.js');
    exitWith(await runAuthExec([file, ...args], flags, context));
  });
}

function revokeCommand(context: CommandContext, exitWith: ExitWith): Command {
  const revoke = new Command('revoke')
    .description('end tokens here and at the API; what wins new ones, as an API key does, stays')
    .option('--scope <scope>', 'only the token for this; may be given more than once', collectScopes);
  addAccountOptions(revoke);
  addExample(revoke, 'km auth revoke --scope monitoring');
  return revoke.action(async (flags: AuthRevokeFlags) => {
    const { runAuthRevoke } = await import('./commands/auth-revoke.js');
    exitWith(await runAuthRevoke(flags, context));
  });
}

function refreshCommand(context: CommandContext, exitWith: ExitWith): Command {
  const refresh = new Command('refresh')
    .description('refresh a token now')
    .option(
      '--scope <scope>',
      'what the token is for, as in "monitoring"; may be given more than once, for a token each',
      collectScopes,
    )
    .option('--all', 'every token of the account')
    .option('--if-due', 'only what is past its refresh point')
    .option('--json', 'print what became of it as JSON');
  addAccountOptions(refresh);
  addExample(refresh, 'km auth refresh --all --if-due');
  return refresh.action(async (flags: AuthRefreshFlags) => {
    const { runAuthRefresh } = await import('./commands/auth-refresh.js');
    exitWith(await runAuthRefresh(flags, context));
  });
}

function statsCommand(context: CommandContext, exitWith: ExitWith): Command {
  const stats = new Command('stats')
    .description('say how tokens were obtained on this machine, and what is unusual about it')
    .addOption(
      new Option('--since <duration>', 'how far to look back, up to 31d')
        .argParser(parseLookBack)
        .default(7 * 86_400_000, '7d'),
    )
    .option('--json', 'print it as JSON');
  addExample(stats, 'km auth stats --since 24h');
  return stats.action(async (flags: AuthStatsFlags) => {
    const { runAuthStats } = await import('./commands/auth-stats.js');
    exitWith(await runAuthStats(flags, context));
  });
}
