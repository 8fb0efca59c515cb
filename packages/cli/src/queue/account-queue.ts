import { makePrivateFolder, type Clock } from '@kilometers/auth';
import { Backlog } from './backlog.js';
import { DeliverySchedule } from './delivery-schedule.js';
import { DrainLease } from './drain-lease.js';
import type { WrittenRecord } from './journal-segments.js';
import { listSegments, moveSegment } from './segment-folder.js';
import { listPreludes, movePreludes } from './prelude-file.js';
import { PreludeRecovery, type RecoverOptions } from './recover-preludes.js';
import type { SegmentFile } from './segment-name.js';
import type { SegmentKeys } from './segment-keys.js';
import type { QueueAccount } from './state-folder.js';

export type AccountQueueOptions = Pick<RecoverOptions, 'maxSegmentBytes' | 'makeRoom'> & {
  readonly account: QueueAccount;
  /** The account's folder; `undefined` where nothing can be kept on the disk. */
  readonly folder: string | undefined;
  /** The folders of what was captured before its account could be told, where this account may have it. */
  readonly adopts: readonly string[];
  /** Whether it still may, of one of them. */
  readonly mayAdopt: (folder: string) => Promise<boolean>;
  readonly keys: SegmentKeys | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onTrouble: (message: string) => void;
};

/** What of the queue this process may deliver now: everything, what it captured itself, or nothing. */
export type DeliveryRight = 'all' | 'own' | 'nothing';

const ADOPT_INTERVAL_MS = 10_000;
const REFRESH_INTERVAL_MS = 1_000;
/** What could not be made ready to be delivered is tried again this much later. */
const RECOVER_AGAIN_MS = 5_000;
/** A folder that cannot be written is left alone for so long: each try takes its time. */
const UNWRITABLE_MS = 5_000;

/** One account's part of the queue, as one process sees it. */
export class AccountQueue {
  readonly account: QueueAccount;
  readonly folder: string | undefined;
  readonly schedule: DeliverySchedule;
  readonly #options: AccountQueueOptions;
  readonly #lease: DrainLease | undefined;
  #right: DeliveryRight = 'nothing';
  #backlog: Backlog | undefined;
  #recovery: PreludeRecovery | undefined;
  #recoverAtMs = 0;
  #unrecovered: string | undefined;
  readonly #leftOut = new Map<string, number>();
  #adoptedAtMs = -ADOPT_INTERVAL_MS;
  #refreshedAtMs = 0;
  #unwritableUntilMs = 0;
  #unwritable: string | undefined;

  constructor(options: AccountQueueOptions) {
    const { account, folder, clock, random } = options;
    this.#options = options;
    this.account = account;
    this.folder = folder;
    this.schedule = new DeliverySchedule({ folder, clock, random });
    this.#lease = folder === undefined ? undefined : new DrainLease({ folder, clock, random });
  }

  /** Where all is that this account may have: what is in the others goes to the last one. */
  get folders(): readonly string[] {
    return [...this.#options.adopts, this.folder].filter((folder) => folder !== undefined);
  }

  /** Whether there is, or may be, something to deliver that other processes left. */
  async hasLeftovers(): Promise<boolean> {
    for (const place of this.folders) {
      if ((await listSegments(place)).some(({ state }) => state !== 'refused')) return true;
      if ((await listPreludes(place)).length > 0) return true;
    }
    return false;
  }

  /** What the API refused. */
  async refused(): Promise<readonly SegmentFile[]> {
    const files = (await Promise.all(this.folders.map(listSegments))).flat();
    return files.filter(({ state }) => state === 'refused');
  }

  /**
   * What this process may deliver now: it takes the right to all of it where that is free.
   *
   * @param isWritable whether events of its own can be handed over through the disk.
   */
  async right(isWritable: boolean): Promise<DeliveryRight> {
    const right = await this.#rightNow(isWritable);
    if (right !== this.#right) await this.#closeBacklog();
    this.#right = right;
    return right;
  }

  /** What this process may deliver of what is on the disk; `undefined` where that is nothing, or was not looked at yet. */
  get backlog(): Backlog | undefined {
    return this.#backlog;
  }

  /**
   * Takes what was captured before its account could be told, where this one may have it and that was not done for a
   * while. Whoever has the right to deliver finds it then.
   */
  async adopt(): Promise<void> {
    const { folder, adopts, mayAdopt, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (folder === undefined || nowMs - this.#adoptedAtMs < ADOPT_INTERVAL_MS) return;
    this.#adoptedAtMs = nowMs;
    for (const place of adopts) {
      if (!(await mayAdopt(place))) continue;
      const segments = await listSegments(place);
      if (segments.length > 0) await makePrivateFolder(folder).catch(() => undefined);
      for (const segment of segments) await moveSegment(segment, folder);
      await movePreludes(place, folder);
    }
  }

  /**
   * Looks at what is on the disk, where that was not done for a while, or `isUrgent`.
   *
   * @param own names of the segments that this process began.
   * @throws {AuthError} `KM_AUTH_CACHE` when the key cannot be had now.
   */
  async refresh(isUrgent: boolean, own: ReadonlySet<string>, idleMs?: number): Promise<void> {
    const { folder, keys, clock, onTrouble } = this.#options;
    const nowMs = clock.monotonicMs();
    const isDue = this.#backlog === undefined || nowMs - this.#refreshedAtMs >= REFRESH_INTERVAL_MS;
    if (folder === undefined || keys === undefined || !(isDue || isUrgent)) return;
    this.#refreshedAtMs = nowMs;
    const isAll = this.#right === 'all';
    if (isAll) {
      await this.adopt();
      this.#recovery ??= new PreludeRecovery({ ...this.#options, folder, keys });
      this.#recovery.lookAgain();
    }
    this.#backlog ??= new Backlog({
      ...{ folder, keys, clock, onTrouble },
      leftOut: this.#leftOut,
      only: isAll ? undefined : own,
    });
    await this.#backlog.refresh(idleMs);
  }

  /**
   * When the oldest event on the disk happened, in milliseconds since the epoch, and its bytes; `undefined` when there is
   * none. What a session left that was killed is made ready where its turn has come.
   */
  async peek(): Promise<{ readonly atMs: number; readonly bytes: number } | undefined> {
    for (;;) {
      const head = await this.#backlog?.peek();
      if (!(await this.#recover(head?.atMs))) return head;
    }
  }

  /** Why something that a session left cannot be delivered now; `undefined` where there is no such thing. */
  get unrecovered(): string | undefined {
    return this.#unrecovered;
  }

  /** Why nobody can say in the folder who delivers, as far as was looked; `undefined` where it can be said. */
  get unwritable(): string | undefined {
    return this.#unwritable;
  }

  /** Whether something waits that only a newer version can read, as far as was looked. */
  get hasNewer(): boolean {
    return this.#backlog?.hasNewer === true || this.#recovery?.hasNewer === true;
  }

  /** Whether there is something that the disk cannot read now. */
  get hasUnreadable(): boolean {
    return this.#leftOut.size > 0;
  }

  /** Notes what was delivered from memory and is on the disk, and removes what is delivered. */
  async tidy(delivered: readonly WrittenRecord[], own: ReadonlySet<string>): Promise<void> {
    if (this.#backlog === undefined) return;
    await this.refresh(true, own);
    await this.#backlog.noteDelivered(delivered);
    await this.refresh(true, own);
  }

  /** Gives the right to deliver to others. */
  async release(): Promise<void> {
    await this.#closeBacklog();
    await this.#lease?.release();
  }

  /** Who has the right to deliver, in words, as far as that can be told. */
  async owner(): Promise<string | undefined> {
    return this.#lease?.owner().catch(() => undefined);
  }

  /** Whether something was made ready. Where it cannot be, the rest is delivered all the same. */
  async #recover(oldestMs: number | undefined): Promise<boolean> {
    const { clock, onTrouble } = this.#options;
    if (this.#recovery === undefined || clock.monotonicMs() < this.#recoverAtMs) return false;
    try {
      if (!(await this.#recovery.step(oldestMs))) return false;
      this.#unrecovered = undefined;
      await this.#backlog?.refresh();
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#recoverAtMs = clock.monotonicMs() + RECOVER_AGAIN_MS;
      this.#unrecovered = `what a session left cannot be made ready to be delivered, for now: ${reason}`;
      onTrouble(this.#unrecovered);
      return false;
    }
  }

  async #rightNow(isWritable: boolean): Promise<DeliveryRight> {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#lease === undefined || nowMs < this.#unwritableUntilMs) return 'own';
    try {
      const isOurs = await this.#lease.take();
      this.#unwritable = undefined;
      if (isOurs) return 'all';
      return isWritable ? 'nothing' : 'own';
    } catch (error) {
      this.#unwritable = error instanceof Error ? error.message : String(error);
      // Nobody can say there who delivers: what this process captured is delivered all the same.
      this.#unwritableUntilMs = nowMs + UNWRITABLE_MS;
      return 'own';
    }
  }

  async #closeBacklog(): Promise<void> {
    const [backlog, recovery] = [this.#backlog, this.#recovery];
    this.#backlog = undefined;
    this.#recovery = undefined;
    await recovery?.close();
    await backlog?.close();
  }
}
