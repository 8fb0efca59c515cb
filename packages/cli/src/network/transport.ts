import { createNodeTransport, type HttpTransport } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { userAgentOf } from './user-agent.js';

/** What sends token requests, as the environment wants them sent. */
export function transportOf({
  version,
  clock,
  agent,
}: Pick<CommandContext, 'version' | 'clock' | 'agent'>): HttpTransport {
  return createNodeTransport({
    userAgent: userAgentOf(version),
    clock,
    ...(agent !== undefined && { agent }),
  });
}
