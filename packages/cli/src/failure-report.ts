import { inspect } from 'node:util';
import { isExplained } from './exit-code.js';

/** What stderr says of a failure: one line, or all there is to know with `KM_DEBUG=true`. */
export function reportOf(error: unknown, isDebug: boolean): string {
  if (isDebug) return `km: ${inspect(error)}`;
  if (isExplained(error)) return `km: ${error.message}`;
  const message = error instanceof Error ? error.message : String(error);
  return `km: ${message || 'something failed'} (run it again with KM_DEBUG=true to see where)`;
}
