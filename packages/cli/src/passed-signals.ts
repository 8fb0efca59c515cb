/** What others send to `km` and mean for the program that it runs. */
export const PASSED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Whether a signal means what the program that gets it makes of it, and not the end. */
export function isMessage(signal: NodeJS.Signals): boolean {
  return signal.startsWith('SIGUSR');
}
