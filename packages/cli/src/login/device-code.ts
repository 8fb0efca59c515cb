import { formatDuration, type DeviceLogin } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { styleFor } from '../terminal/style.js';
import { openBrowser } from './open-browser.js';

/** Says where to go and what to type there, and opens the page where there is a browser. */
export function tellDeviceCode(login: Omit<DeviceLogin, 'wait'>, context: CommandContext): void {
  const { tell, environment } = context;
  const { bold } = styleFor(context.stderr(), environment);
  const { userCode, verificationUri, verificationUriComplete = verificationUri } = login;
  tell(`km: open ${bold(verificationUri)}`);
  tell(`    and enter the code ${bold(userCode)}`);
  if (verificationUriComplete !== verificationUri) tell(`    or open ${verificationUriComplete}`);
  tell(`    The code is good for ${formatDuration(login.expiresInMs)}. Ctrl-C gives up.`);
  if (openBrowser(verificationUriComplete, context)) tell('    Your browser is being opened.');
}
