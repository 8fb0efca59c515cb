import { authConfigFromEnvironment, expectProfileName } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { eventsIn } from '../monitor/readable-text.js';
import { clearQueue, type Cleared } from '../queue/clear-queue.js';
import { countPendingRevocations } from '../queue/pending-revocations.js';
import { queuePlace } from '../queue/queue-place.js';
import { surveyQueue } from '../queue/queue-survey.js';
import { askYes } from '../terminal/ask.js';
import { isInteractive } from '../terminal/terminal.js';
import { openStorage } from '../token-cache.js';

export type QueueClearFlags = { readonly profile?: string; readonly yes?: boolean; readonly json?: boolean };

const NOTHING: Cleared = { events: 0, refused: 0, corruptFiles: 0 };

/** `km queue clear`: gives up the events that wait, and those that were set aside. */
export async function runQueueClear(flags: QueueClearFlags, context: CommandContext): Promise<number> {
  const { yes = false, json = false } = flags;
  // Of all profiles, unless one is named: not of the active one.
  const profile = flags.profile ?? profileNamedBy(context.environment);
  if (profile !== undefined) expectProfileName(profile);
  if (profile !== flags.profile) context.tell(`km: of profile ${profile ?? ''} only: KM_PROFILE names it`);
  const place = queuePlace(context, openStorage(context));
  const all = place === undefined ? [] : await surveyQueue(place, context);
  const meant = all.filter(({ account }) => profile === undefined || account?.profile === profile);
  const found = meant.reduce((events, { waiting, refused }) => events + waiting + refused, 0);
  const files = meant.reduce((sum, { corruptFiles }) => sum + corruptFiles, 0);
  if (found + files > 0 && !yes) {
    const whose = profile === undefined ? '' : `, of profile ${profile}`;
    const question = `Give up ${eventsIn(found)} that are not at the API${whose}?`;
    if (!isInteractive(context)) {
      throw new CliError(`${question} Say so with --yes, as nobody can be asked here`, {
        exitCode: EXIT.usage,
      });
    }
    if (!(await askYes(question, context))) throw new CliError('nothing was done', { exitCode: EXIT.failed });
  }
  const removed =
    place === undefined
      ? NOTHING
      : await clearQueue(
          meant.map(({ folder }) => folder),
          { ...context, keys: place.keys },
        );
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

function profileNamedBy({ KM_PROFILE }: NodeJS.ProcessEnv): string | undefined {
  return authConfigFromEnvironment({ KM_PROFILE }).profile;
}
