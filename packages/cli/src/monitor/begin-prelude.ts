import { parseEndpoint } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { beginPreludeFile } from '../queue/prelude-file.js';
import { queuePlace } from '../queue/queue-place.js';
import type { SegmentWriter } from '../queue/segment-writer.js';
import type { QueueAccount } from '../queue/state-folder.js';
import { settingsFrom, type AccountFlags } from '../settings.js';
import { openStorage } from '../token-cache.js';
import type { CaptureThreadData } from './capture-thread.js';

/**
 * Begins the file of a session's prelude, in the folder of its account as far as that is known by now; `undefined` where
 * nothing is kept on the disk. Fails as the disk does, and where the key cannot be had.
 */
export async function beginPrelude(
  { flags, correlationId, redact, maxPayloadBytes }: Omit<CaptureThreadData, 'ring'>,
  context: CommandContext,
): Promise<SegmentWriter | undefined> {
  const place = queuePlace(context, openStorage(context));
  if (place === undefined) return undefined;
  const account = accountSoFar(flags, context);
  return beginPreludeFile(
    { correlationId, redact, maxPayloadBytes },
    {
      folder: account === undefined ? place.unsettledFolderOf(flags) : place.folderOf(account),
      account: account ?? {},
      sealer: await place.keys.current(),
      clock: context.clock,
    },
  );
}

/** As far as it can be told without opening anything sealed; `undefined` where the settings cannot be read. */
function accountSoFar(flags: AccountFlags, { environment }: CommandContext): QueueAccount | undefined {
  try {
    const { profile, endpoint } = settingsFrom(flags, environment);
    const origin = endpoint === undefined ? undefined : parseEndpoint(endpoint.value).origin;
    return { profile: profile.value, origin };
  } catch {
    return undefined;
  }
}
