import type { Writable } from 'node:stream';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { countPendingRevocations } from '../queue/pending-revocations.js';
import { queuePlace } from '../queue/queue-place.js';
import { queueLines, queueReport } from '../queue/queue-report.js';
import { surveyQueue } from '../queue/queue-survey.js';
import { fold } from '../terminal/fold.js';
import { isTerminal, widthOf } from '../terminal/terminal.js';
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
      : folded(queueLines(report, context.clock.nowMs()), context.stdout()).join('\n');
  await context.answer(`${text}\n`);
  return EXIT.done;
}

/** What stands further in stays there when it goes on below. For a program a line stays one. */
function folded(lines: readonly string[], stdout: Writable): readonly string[] {
  if (!isTerminal(stdout)) return lines;
  const width = widthOf(stdout);
  return lines.flatMap((line) => {
    const indent = line.length - line.trimStart().length;
    return fold(line, { width, indent, hanging: indent + 2 });
  });
}
