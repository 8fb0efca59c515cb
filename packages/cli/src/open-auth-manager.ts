import { createAuthManager, createDebugLog, type AuthEvent, type AuthManager } from '@kilometers/auth';
import type { CommandContext } from './command-context.js';
import { settingsFrom, type AccountFlags } from './settings.js';
import { openTokenCache } from './token-cache.js';

/** What a user should know although the command goes on. */
function warningOf(event: AuthEvent): string | undefined {
  switch (event.type) {
    case 'cache.failed':
      return `tokens stay in memory: ${event.message}`;
    case 'cache.repaired':
    case 'security.event':
      return event.message;
    default:
      return undefined;
  }
}

/** The manager that a command works with: flags, environment, the shared cache, and what is told on stderr. */
export function openAuthManager(flags: AccountFlags, context: CommandContext): AuthManager {
  const settings = settingsFrom(flags, context.environment);
  const manager = createAuthManager({ ...settings, cache: openTokenCache(context) });
  if (context.isDebug) {
    manager.subscribe(createDebugLog(context.tell));
    return manager;
  }
  const told = new Set<string>();
  manager.subscribe((event) => {
    const warning = warningOf(event);
    if (warning === undefined || told.has(event.type)) return;
    told.add(event.type);
    context.tell(`km: ${warning}`);
  });
  return manager;
}
