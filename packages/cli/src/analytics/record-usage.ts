import type { AuthManager } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { stateFolder } from '../queue/state-folder.js';
import { saysYes } from '../says-yes.js';
import { unusualIn, type UnusualKind } from './unusual-patterns.js';
import { appendUsage, readUsage } from './usage-log.js';
import type { AlertRecord, UsageRecord } from './usage-record.js';
import { UsageRecorder, type UsageRecorderOptions } from './usage-recorder.js';

/** A process that goes on writes what it has so long after it happened, in milliseconds. */
const WRITE_AFTER_MS = 1_000;
/** What was unusual in this time is told, and each kind once in it. */
const ALERT_WINDOW_MS = 3_600_000;
/** A process looks for something unusual this often at most. */
const LOOK_EVERY_MS = 60_000;
/** What nobody is told of in any other way; of lost answers an outage has many that mean nothing. */
const ALERTING: ReadonlySet<UnusualKind> = new Set(['early-refreshes', 'refresh-burst', 'failures']);

/** Where usage is recorded; `undefined` where it is not: `KM_NO_ANALYTICS`, or no home. */
export function usageFolder(environment: NodeJS.ProcessEnv): string | undefined {
  return saysYes(environment['KM_NO_ANALYTICS']) ? undefined : stateFolder(environment, 'analytics');
}

/**
 * Records how tokens are obtained, on this machine only and without a secret, when the answer is out: a command that
 * ends at once does it at its end. A person is told of what is unusual. Nothing depends on it.
 */
export function recordUsage(
  manager: AuthManager,
  scopeOf: UsageRecorderOptions['scopeOf'],
  context: CommandContext,
): void {
  const folder = usageFolder(context.environment);
  if (folder === undefined) return;
  const writer = new UsageWriter(folder, context);
  const { onEvent } = new UsageRecorder({
    api: manager.apiOrigin,
    by: context.commandName,
    scopeOf,
    write: (record) => writer.add(record),
  });
  manager.subscribe(onEvent);
}

class UsageWriter {
  readonly #folder: string;
  readonly #context: CommandContext;
  #pending: readonly UsageRecord[] = [];
  #awaitsEnd = false;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  /** Whether something was written since the last look. */
  #mayBeUnusual = false;

  constructor(folder: string, context: CommandContext) {
    this.#folder = folder;
    this.#context = context;
  }

  add(record: UsageRecord): void {
    if (!this.#awaitsEnd) this.#context.onExit(() => this.#end());
    this.#awaitsEnd = true;
    if (this.#pending.length === 0) this.#context.clock.schedule(() => this.#write(), WRITE_AFTER_MS, false);
    this.#pending = [...this.#pending, record];
  }

  #write(): void {
    const records = this.#pending;
    if (records.length === 0) return;
    this.#pending = [];
    const nowMs = this.#context.clock.nowMs();
    try {
      appendUsage(this.#folder, records, nowMs);
    } catch {
      // A full disk, a read-only home: tokens matter more.
      return;
    }
    const waitMs = this.#lookedAtMs + LOOK_EVERY_MS - nowMs;
    if (!this.#mayBeUnusual && waitMs > 0)
      this.#context.clock.schedule(() => this.#look(), Math.min(waitMs, LOOK_EVERY_MS), false);
    this.#mayBeUnusual = true;
    if (waitMs <= 0) this.#look();
  }

  #end(): void {
    this.#write();
    this.#look();
  }

  #look(): void {
    if (!this.#mayBeUnusual) return;
    this.#mayBeUnusual = false;
    try {
      this.#tellUnusual();
    } catch {
      // What cannot be read is not told.
    }
  }

  #tellUnusual(): void {
    const nowMs = this.#context.clock.nowMs();
    this.#lookedAtMs = nowMs;
    const recent = readUsage(this.#folder, nowMs - ALERT_WINDOW_MS, nowMs);
    // An outage fails for each scope: one line is enough.
    const told = new Set(recent.flatMap((record) => (record.type === 'alert' ? keyOf(record) : [])));
    for (const found of unusualIn(recent)) {
      const { kind, profile, endpoint: api, scope, message } = found;
      const key = keyOf({ kind, profile, api });
      if (!ALERTING.has(kind) || told.has(key)) continue;
      told.add(key);
      const by = this.#context.commandName();
      appendUsage(this.#folder, [{ type: 'alert', at: nowMs, profile, api, by, kind }], nowMs);
      this.#context.tell(`km: unusual, ${scope ?? profile}: ${message} (km auth stats)`);
    }
  }
}

/** What is told once. */
function keyOf({ kind, profile, api }: Pick<AlertRecord, 'kind' | 'profile' | 'api'>): string {
  return JSON.stringify([kind, profile, api]);
}
