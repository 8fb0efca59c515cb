import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { askChoice } from '../terminal/ask.js';
import { isInteractive } from '../terminal/terminal.js';
import type { AuthLoginFlags, LoginKind } from './login-kind.js';
import { LOGIN_KINDS } from './login-kinds.js';
import { wrongUsage } from './wrong-usage.js';

/**
 * The way to log in that the flags ask for; without any, whoever sits at a terminal is asked.
 *
 * @throws {CliError} where the flags ask for two, or for none and nobody can be asked.
 */
export async function chooseLogin(flags: AuthLoginFlags, context: CommandContext): Promise<LoginKind> {
  const meant = LOGIN_KINDS.filter(({ isMeant }) => isMeant(flags));
  const [kind, other] = meant;
  if (kind !== undefined && other !== undefined)
    throw wrongUsage(`${kind.usage} and ${other.usage} are two ways to log in: give one, not both`);
  if (kind !== undefined) return kind;
  if (!isInteractive(context))
    throw wrongUsage(`say how to log in: ${LOGIN_KINDS.map(({ usage }) => usage).join(', or ')}`);
  const inMenu = LOGIN_KINDS.filter(({ menu }) => menu !== undefined);
  const index = await askChoice(
    'How do you want to log in?',
    inMenu.map(({ menu = '' }) => menu),
    context,
  );
  const chosen = index === undefined ? undefined : inMenu[index];
  if (chosen === undefined) throw new CliError('nothing was done', { exitCode: 130 });
  return chosen;
}
