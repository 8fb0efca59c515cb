import type { CommandContext } from '../command-context.js';
import { BY_PAGE, startDashboard } from '../dashboard/dashboard-server.js';
import { openByPage } from '../dashboard/open-page.js';
import { sweepPageFolders } from '../dashboard/page-folder.js';
import { EXIT } from '../exit-code.js';

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
  sweepPageFolders(context);
  let removePage: (() => void) | undefined;
  try {
    context.tell(`km: the dashboard is at ${dashboard.url}`);
    context.tell('km: the link opens once; Ctrl-C ends the dashboard');
    if (flags.open) removePage = openByPage(dashboard.url + BY_PAGE, context);
    await Promise.race([stopped, dashboard.opened]);
    removePage?.();
    await stopped;
    return EXIT.done;
  } finally {
    removePage?.();
    await dashboard.close();
  }
}
