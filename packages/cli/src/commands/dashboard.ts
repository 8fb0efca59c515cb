import type { CommandContext } from '../command-context.js';
import { startDashboard } from '../dashboard/dashboard-server.js';
import { EXIT } from '../exit-code.js';
import { openBrowser } from '../login/open-browser.js';

export type DashboardFlags = {
  readonly port: number;
  /** `--no-open` makes it false. */
  readonly open: boolean;
};

/** `km dashboard`: shows logins, tokens and the queue in a browser, live, until a signal ends it. */
export async function runDashboard(flags: DashboardFlags, context: CommandContext): Promise<number> {
  const stopped = new Promise<void>((resolve) => {
    context.onSignal(() => resolve());
  });
  const dashboard = await startDashboard(flags.port, context);
  try {
    context.tell(`km: the dashboard is at ${dashboard.url}`);
    context.tell('km: the link opens once; Ctrl-C ends the dashboard');
    if (flags.open) openBrowser(dashboard.url, context);
    await stopped;
    return EXIT.done;
  } finally {
    await dashboard.close();
  }
}
