import { Command, Option } from 'commander';
import { addAccountOptions, addExample } from './command-options.js';
import type { CommandContext } from './command-context.js';
import type { AuthExecFlags } from './commands/auth-exec.js';
import type { AuthLogoutFlags } from './commands/auth-logout.js';
import type { AuthProfilesFlags } from './commands/auth-profiles.js';
import type { AuthStatusFlags } from './commands/auth-status.js';
import type { AuthTokenFlags } from './commands/auth-token.js';
import { collect, parseDuration } from './flag-values.js';
import type { AuthLoginFlags } from './login/login-kind.js';

type ExitWith = (code: number) => void;

/** `km auth` and what is under it. */
export function authCommand(program: Command, context: CommandContext, exitWith: ExitWith): Command {
  const auth = new Command('auth').description('tokens and logins').copyInheritedSettings(program);
  addExample(auth, 'km auth token --scope monitoring');
  for (const create of [
    loginCommand,
    logoutCommand,
    profilesCommand,
    statusCommand,
    switchCommand,
    tokenCommand,
    execCommand,
  ]) {
    auth.addCommand(create(context, exitWith).copyInheritedSettings(program));
  }
  return auth;
}

function loginCommand(context: CommandContext, exitWith: ExitWith): Command {
  const login = new Command('login')
    .description('log a profile in: prove a credential by getting a token with it, then store it, encrypted')
    .option('--device', 'in a browser, here or on another device, with a code')
    .option('--api-key-stdin', 'read an API key from standard input')
    .option('--api-key <key>', 'an API key; other users of this machine can see it')
    .option('--client-id <id>', 'log in as this client, with its secret')
    .option('--client-secret-stdin', "read the client's secret from standard input")
    .option('--scope <scope>', 'what the login must be good for; may be given more than once', collect);
  addAccountOptions(login);
  addExample(login, 'km auth login --api-key-stdin < api-key.txt');
  return login.action(async (flags: AuthLoginFlags) => {
    const { runAuthLogin } = await import('./commands/auth-login.js');
    exitWith(await runAuthLogin(flags, context));
  });
}

function logoutCommand(context: CommandContext, exitWith: ExitWith): Command {
  const logout = new Command('logout')
    .description('forget a login with all its tokens, and tell the API to end them')
    .option('--profile <name>', 'the account to log out')
    .option('--all', 'log out every account');
  addExample(logout, 'km auth logout --profile work');
  return logout.action(async (flags: AuthLogoutFlags) => {
    const { runAuthLogout } = await import('./commands/auth-logout.js');
    exitWith(await runAuthLogout(flags, context));
  });
}

function switchCommand(context: CommandContext, exitWith: ExitWith): Command {
  const switchTo = new Command('switch')
    .description('make a profile the active one')
    .argument('[profile]', 'its name; whoever sits at a terminal is asked');
  addExample(switchTo, 'km auth switch work');
  return switchTo.action(async (profile: string | undefined) => {
    const { runAuthSwitch } = await import('./commands/auth-switch.js');
    exitWith(await runAuthSwitch(profile, context));
  });
}

function profilesCommand(context: CommandContext, exitWith: ExitWith): Command {
  const profiles = new Command('profiles')
    .description('list the profiles, and say which one is active')
    .option('--json', 'print it as JSON');
  addExample(profiles, 'km auth profiles');
  return profiles.action(async (flags: AuthProfilesFlags) => {
    const { runAuthProfiles } = await import('./commands/auth-profiles.js');
    exitWith(await runAuthProfiles(flags, context));
  });
}

function statusCommand(context: CommandContext, exitWith: ExitWith): Command {
  const status = new Command('status')
    .description('say how the login and its tokens are, and where each setting came from; asks no server')
    .option('--json', 'print it as JSON');
  addAccountOptions(status);
  addExample(status, 'km auth status --profile work');
  return status.action(async (flags: AuthStatusFlags) => {
    const { runAuthStatus } = await import('./commands/auth-status.js');
    exitWith(await runAuthStatus(flags, context));
  });
}

function tokenCommand(context: CommandContext, exitWith: ExitWith): Command {
  const token = new Command('token')
    .description('print a valid token, and nothing else')
    .argument('[action]', 'what git or docker asks of a credential helper: get, store, erase')
    .option('--scope <scope>', 'what the token is for, as in "monitoring"')
    .option('--min-valid <duration>', 'good for at least this long, as in 60s', parseDuration)
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(['raw', 'header', 'json', 'k8s', 'aws', 'git', 'docker'])
        .default('raw'),
    )
    .option(
      '--host <host>',
      "git, docker: a server besides the API's own that may be given the token; may be given more than once",
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
    .option('--scope <scope>', 'what the token is for, as in "monitoring"')
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
