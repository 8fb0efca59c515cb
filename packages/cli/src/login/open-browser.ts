import { spawn } from 'node:child_process';
import type { CommandContext } from '../command-context.js';
import { isSet } from '../is-set.js';
import { withoutOwnSecrets } from '../own-secrets.js';
import { isInteractive } from '../terminal/terminal.js';

type Opener = readonly [file: string, ...args: string[]];

const OVER_SSH = ['SSH_CONNECTION', 'SSH_CLIENT', 'SSH_TTY'] as const;
/** Set where an editor works on this machine from another one, or from outside of a container. */
const REMOTE_EDITOR = ['VSCODE_IPC_HOOK_CLI', 'CODESPACES', 'REMOTE_CONTAINERS'] as const;

function isOneSet(names: readonly string[], environment: NodeJS.ProcessEnv): boolean {
  return names.some((name) => isSet(environment, name));
}

/** Whether the person sits at another machine than this one: a program in `BROWSER` opens what it is given over there. */
export function isPersonElsewhere(environment: NodeJS.ProcessEnv): boolean {
  return isOneSet([...OVER_SSH, ...REMOTE_EDITOR], environment);
}

/** What opens a link; `undefined` where there is no browser that this person sees. */
function browserFor(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): Opener | undefined {
  // Over ssh a browser would open in front of somebody else.
  if (isOneSet(OVER_SSH, environment)) return undefined;
  if (platform === 'darwin') return ['open'];
  // No shell: it would take parts of a link for commands.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return isOneSet(['DISPLAY', 'WAYLAND_DISPLAY'], environment) ? ['xdg-open'] : undefined;
}

/** The program that `BROWSER` names, as most programs read it: the first of several, with the link for `%s`. */
function chosenBrowser({ BROWSER = '' }: NodeJS.ProcessEnv, link: string): Opener | undefined {
  const [file, ...args] = (BROWSER.split(':')[0] ?? '').split(/\s+/).filter((word) => word !== '');
  if (file === undefined) return undefined;
  const hasPlace = args.some((arg) => arg.includes('%s'));
  return [file, ...args.map((arg) => arg.replaceAll('%s', link)), ...(hasPlace ? [] : [link])];
}

/**
 * Opens a link in the browser of whoever sits at the terminal, or in the one that `BROWSER` names. Returns whether it is
 * being opened. Every user of the machine can read it meanwhile: a secret must not be in it.
 */
export function openBrowser(link: string, context: CommandContext): boolean {
  const { environment } = context;
  const chosen = chosenBrowser(environment, link);
  const usual = isInteractive(context) ? browserFor(environment, process.platform) : undefined;
  const opener = chosen ?? (usual === undefined ? undefined : ([...usual, link] as const));
  if (opener === undefined) return false;
  const [file, ...args] = opener;
  const child = spawn(file, args, { env: withoutOwnSecrets(environment), stdio: 'ignore', detached: true });
  // The link is on the screen: who has no such program opens it by hand.
  child.on('error', () => undefined);
  child.unref();
  return true;
}
