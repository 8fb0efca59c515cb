import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { usageFolder } from '../analytics/record-usage.js';
import { readUsage } from '../analytics/usage-log.js';
import type { UsageRecord } from '../analytics/usage-record.js';
import { usageReport } from '../analytics/usage-report.js';
import type { CommandContext } from '../command-context.js';
import { countPendingRevocations } from '../queue/pending-revocations.js';
import { queuePlace } from '../queue/queue-place.js';
import { queueReport, type QueueReport } from '../queue/queue-report.js';
import { surveyQueue } from '../queue/queue-survey.js';
import { readStatus } from '../status/read-status.js';
import { openStorage } from '../token-cache.js';
import type { DashboardState, RecentRefresh } from './dashboard-state.js';
import { usageSteps } from './usage-steps.js';

const STEP_MS = 3 * 3_600_000;
/** A week, in steps. */
const STEPS = 56;
const MOST_RECENT = 20;

/**
 * Reads what the dashboard shows from what other processes of `km` leave on the disk: tokens and logins, the log of refreshes
 * (`analytics/usage-log.ts`), and the queue. Asks no server, and changes nothing.
 */
export class DashboardReader {
  readonly #context: CommandContext;
  #seen: { readonly state: string; readonly records: readonly UsageRecord[] } = { state: '', records: [] };

  constructor(context: CommandContext) {
    this.#context = context;
  }

  async read(): Promise<DashboardState> {
    const { version, clock } = this.#context;
    const nowMs = clock.nowMs();
    const untilMs = Math.ceil(nowMs / STEP_MS) * STEP_MS;
    const sinceMs = untilMs - STEPS * STEP_MS;
    const { report: status, notices } = await readStatus({}, this.#context);
    const records = this.#usage(sinceMs, nowMs);
    return {
      version,
      status,
      notices,
      // Of whole steps, so that it changes only when something happens.
      usage: records === undefined ? null : usageReport(records, sinceMs, untilMs),
      steps: records === undefined ? [] : usageSteps(records, { sinceMs, stepMs: STEP_MS, steps: STEPS }),
      recent: (records ?? []).flatMap(recentRefresh).slice(-MOST_RECENT).reverse(),
      queue: await this.#queue(),
    };
  }

  /** The records, read again only when there are others; `undefined` where none are kept. */
  #usage(sinceMs: number, nowMs: number): readonly UsageRecord[] | undefined {
    const folder = usageFolder(this.#context.environment);
    if (folder === undefined) return undefined;
    const state = `${String(sinceMs)} ${stateOf(folder)}`;
    if (state !== this.#seen.state) this.#seen = { state, records: readUsage(folder, sinceMs, nowMs) };
    return this.#seen.records;
  }

  async #queue(): Promise<QueueReport> {
    const storage = openStorage(this.#context);
    const place = queuePlace(this.#context, storage);
    return queueReport({
      place,
      surveys: place === undefined ? [] : await surveyQueue(place, this.#context).catch(() => []),
      revocations: await countPendingRevocations(this.#context, storage),
    });
  }
}

/** What differs after each change of the folder's files. */
function stateOf(folder: string): string {
  try {
    const sizes = readdirSync(folder).map((name) => {
      const { size, mtimeMs } = statSync(join(folder, name));
      return `${name}/${String(size)}/${String(mtimeMs)}`;
    });
    return sizes.join(' ');
  } catch {
    return 'none';
  }
}

function recentRefresh(record: UsageRecord): readonly RecentRefresh[] {
  if (record.type !== 'refresh') return [];
  const { at: atMs, profile, scope, by, token, code, ms: tookMs } = record;
  return [{ atMs, profile, scope, by, token, code, tookMs }];
}
