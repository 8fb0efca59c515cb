import type { Clock } from '@kilometers/auth';
import type { SegmentKeys } from './segment-keys.js';
import { SegmentWriter } from './segment-writer.js';
import type { QueueAccount } from './state-folder.js';

/** Where events are written, and whose they are. */
export type EventPlace = { readonly folder: string; readonly account: QueueAccount };

/** Begins a segment of an account's events, or of those that the API refused. Fails as the file system does. */
export async function beginEventSegment(
  { folder, account }: EventPlace,
  { keys, clock }: { readonly keys: SegmentKeys; readonly clock: Clock },
  kind: 'events' | 'refused' = 'events',
): Promise<SegmentWriter> {
  return SegmentWriter.create({
    folder,
    sealer: await keys.current(),
    purpose: 'queue of events',
    description: { kind, ...account },
    clock,
    state: kind === 'refused' ? 'refused' : 'open',
  });
}
