import { spawn } from 'node:child_process';
import type { CommandContext } from '../command-context.js';
import { isInteractive } from '../terminal/terminal.js';

type Opener = readonly [file: string, ...args: string[]];

/** What opens a link; `undefined` where there is no browser that this person sees. */
function browserFor(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): Opener | undefined {
  const has = (name: string): boolean => (environment[name] ?? '') !== '';
  // Over ssh a browser would open in front of somebody else.
  if (has('SSH_CONNECTION') || has('SSH_CLIENT') || has('SSH_TTY')) return undefined;
  if (platform === 'darwin') return ['open'];
  // No shell: it would take parts of a link for commands.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return has('DISPLAY') || has('WAYLAND_DISPLAY') ? ['xdg-open'] : undefined;
}

/** Opens a link in the browser of whoever sits at the terminal. Returns whether it is being opened. */
export function openBrowser(link: string, context: CommandContext): boolean {
  if (!isInteractive(context)) return false;
  const opener = browserFor(context.environment, process.platform);
  if (opener === undefined) return false;
  const [file, ...args] = opener;
  const child = spawn(file, [...args, link], { stdio: 'ignore', detached: true });
  // The link is on the screen: who has no such program opens it by hand.
  child.on('error', () => undefined);
  child.unref();
  return true;
}
