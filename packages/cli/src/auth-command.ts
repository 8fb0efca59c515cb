import { Command } from 'commander';
import { TOKEN_COMMANDS } from './auth-token-commands.js';
import { addAccountOptions, addExample, answerHelpInFront } from './command-options.js';
import type { CommandContext } from './command-context.js';
import type { AuthLogoutFlags } from './commands/auth-logout.js';
import type { AuthProfilesFlags } from './commands/auth-profiles.js';
import type { AuthStatusFlags } from './commands/auth-status.js';
import { loginCommand } from './login-command.js';

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
    ...TOKEN_COMMANDS,
  ]) {
    const command = create(context, exitWith).copyInheritedSettings(program);
    auth.addCommand(command.name() === 'exec' ? answerHelpInFront(command) : command);
  }
  return auth;
}

function logoutCommand(context: CommandContext, exitWith: ExitWith): Command {
  const logout = new Command('logout')
    .description('forget a login with all its tokens, and end them at the API')
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
    .description('say how logins are, whether they go on without a human, and where each setting came from')
    .option('--json', 'print it as JSON')
    .option('--check', 'also ask who issued the tokens')
    .option('--watch', 'show it live; with --json a line for each change');
  addAccountOptions(status);
  addExample(status, 'km auth status --profile work');
  return status.action(async (flags: AuthStatusFlags) => {
    const { runAuthStatus } = await import('./commands/auth-status.js');
    exitWith(await runAuthStatus(flags, context));
  });
}
