import type { Clock } from '@kilometers/auth';
import type { EventBatch } from './monitor-event.js';
import type { MessageNotice, MonitorNotice } from './monitor-notice.js';
import { countOf, eventsIn, readable, readableDuration, readableSize } from './readable-text.js';

/** Methods with a row of their own. */
const MAX_METHODS = 50;
const OTHERS = '(others)';

/** Latencies are counted in classes, each a twelfth wider than the one before; the first ends at a microsecond. */
const WIDTH = 13 / 12;

class MethodFigures {
  messages = 0;
  errors = 0;
  longestMs = 0;
  answers = 0;
  readonly #classes = new Map<number, number>();

  addLatency(ms: number): void {
    this.answers += 1;
    this.longestMs = Math.max(this.longestMs, ms);
    const index = Math.ceil(Math.log(Math.max(ms, 0.001) / 0.001) / Math.log(WIDTH));
    this.#classes.set(index, (this.#classes.get(index) ?? 0) + 1);
  }

  /** The latency that `share` of the answers did not exceed, to a twelfth. */
  latencyMs(share: number): number {
    let left = Math.ceil(this.answers * share);
    for (const [index, count] of [...this.#classes].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return Math.min(this.longestMs, 0.001 * WIDTH ** index);
    }
    return this.longestMs;
  }
}

/** Counts what goes through a session, and tells it in a few lines at the end. */
export class SessionSummary {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #methods = new Map<string, MethodFigures>();
  readonly #totals = { outbound: { messages: 0, bytes: 0 }, inbound: { messages: 0, bytes: 0 } };
  readonly #counts = { errors: 0, redacted: 0, ignored: 0, missed: 0 };
  /** What became of the session's events. */
  readonly #events = { delivered: 0, undelivered: 0, refused: 0, dropped: 0 };
  #correlationId: string | undefined;
  #isRecorded = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.monotonicMs();
  }

  readonly onNotice = (notice: MonitorNotice): void => {
    switch (notice.type) {
      case 'session.started':
        this.#correlationId = notice.correlationId;
        break;
      case 'message':
        this.#addMessage(notice);
        break;
      case 'line.ignored':
        this.#counts.ignored += 1;
        break;
      case 'messages.missed':
        this.#counts.missed += notice.lines;
        break;
      case 'batch.delivered':
        this.#events.delivered += this.#ownIn(notice.batch);
        break;
      case 'batch.refused':
        this.#events.refused += this.#ownIn(notice.batch);
        break;
      case 'events.dropped':
        this.#events.dropped += notice.count;
        break;
      case 'session.ended':
        this.#events.undelivered = notice.undelivered;
        break;
      default:
    }
  };

  /** From here on each message becomes an event that goes to the API. */
  readonly onRecording = (): void => {
    this.#isRecorded = true;
  };

  /** Whole lines. */
  text(): string {
    const { errors, redacted, ignored, missed } = this.#counts;
    const { outbound, inbound } = this.#totals;
    const duration = readableDuration(this.#clock.monotonicMs() - this.#startedAtMs);
    const side = ({ messages, bytes }: { messages: number; bytes: number }) =>
      `${countOf(messages, 'message')} (${readableSize(bytes)})`;
    const notes = [
      countOf(errors, 'error'),
      `${countOf(redacted, 'value')} redacted`,
      ...(ignored > 0 ? [`not JSON-RPC: ${countOf(ignored, 'line')}`] : []),
      ...(missed > 0 ? [`not recorded: ${countOf(missed, 'message')}`] : []),
    ];
    const lines = [
      `summary of ${duration}: ${side(outbound)} from the client, ${side(inbound)} from the server`,
      `${notes.join(', ')}; ${this.#outcome()}`,
      ...this.#table(),
    ];
    return lines.map((line) => `km: ${line}\n`).join('');
  }

  #outcome(): string {
    const { delivered, undelivered, refused, dropped } = this.#events;
    const { outbound, inbound } = this.#totals;
    const messages = outbound.messages + inbound.messages;
    const others = this.#isRecorded ? messages - delivered - undelivered - refused - dropped : 0;
    return [
      `${eventsIn(delivered)} delivered, ${undelivered} not delivered`,
      ...(refused > 0 ? [`${refused} set aside`] : []),
      ...(dropped > 0 ? [`${dropped} given up`] : []),
      ...(others > 0 ? [`${others} left to another km`] : []),
    ].join(', ');
  }

  /** Of a batch that may have events of other sessions, too. */
  #ownIn({ events }: EventBatch): number {
    return events.filter(({ correlationId }) => correlationId === this.#correlationId).length;
  }

  #addMessage({ event, kind, latencyMs, errors, redacted }: MessageNotice): void {
    const total = this.#totals[event.direction];
    total.messages += 1;
    total.bytes += event.size;
    this.#counts.errors += errors.length;
    this.#counts.redacted += redacted;
    if (event.method === undefined) return;
    const figures = this.#figuresOf(event.method);
    if (kind !== 'response') figures.messages += 1;
    figures.errors += errors.length;
    if (latencyMs !== undefined) figures.addLatency(latencyMs);
  }

  #figuresOf(method: string): MethodFigures {
    const name = this.#methods.has(method) || this.#methods.size < MAX_METHODS ? method : OTHERS;
    const known = this.#methods.get(name);
    if (known !== undefined) return known;
    const figures = new MethodFigures();
    this.#methods.set(name, figures);
    return figures;
  }

  #table(): string[] {
    const rows = [...this.#methods]
      .sort(([, a], [, b]) => b.messages - a.messages)
      .map(([method, figures]) => [
        readable(method),
        String(figures.messages),
        String(figures.errors),
        ...(figures.answers === 0
          ? ['-', '-', '-']
          : [figures.latencyMs(0.5), figures.latencyMs(0.99), figures.longestMs].map(readableDuration)),
      ]);
    if (rows.length === 0) return [];
    const table = [['method', 'messages', 'errors', 'p50', 'p99', 'longest'], ...rows];
    const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
    return table.map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths?.[0] ?? 0) : cell.padStart(widths?.[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    );
  }
}
