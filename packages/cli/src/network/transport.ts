import { createNodeTransport, type HttpTransport } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';

/** What sends token requests, as the environment wants them sent. */
export function transportOf({ clock, agent }: Pick<CommandContext, 'clock' | 'agent'>): HttpTransport {
  return createNodeTransport({ clock, ...(agent !== undefined && { agent }) });
}
