import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { countPendingRevocations } from '../queue/pending-revocations.js';
import { queuePlace } from '../queue/queue-place.js';
import { queueLines, queueReport } from '../queue/queue-report.js';
import { surveyQueue } from '../queue/queue-survey.js';
import { openStorage } from '../token-cache.js';

export type QueueStatusFlags = { readonly json?: boolean };

/** `km queue status`: what waits to be delivered; asks no server. */
export async function runQueueStatus(flags: QueueStatusFlags, context: CommandContext): Promise<number> {
  const place = queuePlace(context, openStorage(context));
  const report = queueReport({
    place,
    surveys: place === undefined ? [] : await surveyQueue(place, context),
    revocations: await countPendingRevocations(context),
  });
  const text =
    flags.json === true
      ? JSON.stringify(report, undefined, 2)
      : queueLines(report, context.clock.nowMs()).join('\n');
  await context.answer(`${text}\n`);
  return EXIT.done;
}
