import type { Clock } from '@kilometers/auth';
import type { MonitorEvent } from '../monitor/monitor-event.js';
import { encodeEvent } from './event-record.js';
import { beginEventSegment, type EventPlace } from './event-segment.js';
import { listPreludes, readPrelude, removePrelude } from './prelude-file.js';
import { setFileAside } from './segment-folder.js';
import type { SegmentKeys } from './segment-keys.js';

export type RecoverOptions = EventPlace & {
  readonly keys: SegmentKeys;
  readonly clock: Clock;
  /** Is told of a file that was set aside. */
  readonly onTrouble: (message: string) => void;
};

/**
 * Makes segments of what sessions left that were killed before they could. Done twice it costs nothing: an event has the
 * same id again.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when the key cannot be had now.
 */
export async function recoverPreludes(options: RecoverOptions): Promise<void> {
  const { folder, keys, clock, onTrouble } = options;
  for (const path of await listPreludes(folder)) {
    const prelude = await readPrelude(path, keys, clock.nowMs());
    if (prelude === undefined) continue;
    if (!('events' in prelude)) {
      if (prelude.kind === 'short') await removePrelude(path);
      if (prelude.kind === 'poisoned') onTrouble(await setAside(path, prelude.why));
      continue;
    }
    await writeEvents(prelude.events, options);
    if (prelude.damage === undefined) await removePrelude(path);
    else onTrouble(await setAside(path, prelude.damage));
  }
}

async function writeEvents(events: readonly MonitorEvent[], options: RecoverOptions): Promise<void> {
  if (events.length === 0) return;
  const writer = await beginEventSegment(options, options);
  try {
    await writer.append(events.map(encodeEvent));
  } finally {
    await writer.close();
  }
}

async function setAside(path: string, why: string): Promise<string> {
  const aside = await setFileAside(path);
  return `what passed in a session does not open whole (${why}): it was moved to ${aside}, and what opens of it is delivered`;
}
