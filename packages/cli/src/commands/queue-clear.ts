import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { confirm } from '../confirm.js';
import { EXIT } from '../exit-code.js';
import { clearQueue } from '../queue/clear-queue.js';
import { countPendingRevocations } from '../queue/pending-revocations.js';
import { queuePlace } from '../queue/queue-place.js';
import { eventsIn } from '../queue/queue-report.js';
import { surveyQueue } from '../queue/queue-survey.js';
import { openStorage } from '../token-cache.js';

export type QueueClearFlags = { readonly profile?: string; readonly yes?: boolean; readonly json?: boolean };

/** `km queue clear`: gives up the events that wait, and those that were set aside. */
export async function runQueueClear(flags: QueueClearFlags, context: CommandContext): Promise<number> {
  const { profile, yes = false, json = false } = flags;
  const place = queuePlace(context, openStorage(context));
  const all = place === undefined ? [] : await surveyQueue(place, context);
  const meant = all.filter(({ account }) => profile === undefined || account?.profile === profile);
  const found = meant.reduce((events, { waiting, refused }) => events + waiting + refused, 0);
  const files = meant.reduce((sum, { corruptFiles }) => sum + corruptFiles, 0);
  if (found + files > 0 && !yes) {
    const question = `Give up ${eventsIn(found)} that are not at the API${profile === undefined ? '' : `, of profile ${profile}`}?`;
    const answer = await confirm(question, context);
    if (answer === 'no') throw new CliError('nothing was done', { exitCode: EXIT.failed });
    if (answer === 'nobody') {
      throw new CliError(`${question} Say so with --yes, as nobody can be asked here`, {
        exitCode: EXIT.usage,
      });
    }
  }
  const removed = await clearQueue(meant.map(({ folder }) => folder));
  const revocations = await countPendingRevocations(context);
  if (json) await context.answer(`${JSON.stringify({ ...removed, revocations }, undefined, 2)}\n`);
  else {
    context.tell(
      `km: ${eventsIn(removed.events)} given up, ${eventsIn(removed.refused)} that had been set aside`,
    );
    if (revocations > 0) context.tell('km: logins that are to be ended at the API stay in the queue');
  }
  return EXIT.done;
}
