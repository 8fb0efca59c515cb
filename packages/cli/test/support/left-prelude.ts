import { ownIdentity, systemClock } from '@kilometers/auth';
import type { RingRecord } from '../../src/monitor/ring-record.js';
import { beginPreludeFile } from '../../src/queue/prelude-file.js';
import { encodeRingRecord } from '../../src/queue/prelude-record.js';
import type { SegmentKeys } from '../../src/queue/segment-keys.js';

/** What a session left that was killed: so many small messages. */
export async function leavePrelude(folder: string, keys: SegmentKeys, messages: number): Promise<void> {
  const file = await beginPreludeFile(
    { correlationId: 'killed', redact: [], maxPayloadBytes: undefined },
    {
      folder,
      account: {},
      sealer: await keys.current(),
      clock: { ...systemClock, nowMs: () => 1_000 },
      owner: { ...ownIdentity(), pid: 2 ** 30 },
    },
  );
  const line = (n: number) => `{"method":"m","params":${100_000 + n}}\n`;
  for (let n = 0; n < messages; n += 500) {
    const count = Math.min(500, messages - n);
    const bytes = Buffer.from(Array.from({ length: count }, (_, k) => line(n + k)).join(''));
    const record: RingRecord = {
      kind: 'bytes',
      direction: 'outbound',
      wallMs: 1_000 + n,
      monotonicMs: 0,
      bytes,
    };
    await file.append([encodeRingRecord(record)]);
  }
  await file.close();
}
