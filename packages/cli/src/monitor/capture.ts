import { eventIdsOf, type EventIds } from './event-id.js';
import { readMessage, type JsonRpcMessage, type MessageId } from './json-rpc-message.js';
import { LineSplitter, type Line } from './line-splitter.js';
import type { Direction, MonitorEvent, OmittedPayload } from './monitor-event.js';
import type { MessageNotice, NoticeListener } from './monitor-notice.js';
import { PendingRequests } from './pending-requests.js';
import { createRedactor, type RedactedPayload, type Redactor } from './redaction.js';

/** Longer messages are recorded by size and hash, unless told otherwise. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** When bytes went through: on the wall clock, and on one that only goes forward. */
export type Moment = { readonly wallMs: number; readonly monotonicMs: number };

/** What came before, as far as it makes a difference to the events of what comes next. */
export type CaptureState = {
  /** Bytes of each stream. */
  readonly passed: Readonly<Record<Direction, number>>;
  /** Ids and methods of the requests that wait for a response. */
  readonly requests: Readonly<Record<Direction, readonly (readonly [MessageId, string])[]>>;
};

export type CaptureOptions = {
  readonly correlationId: string;
  readonly onEvent: (event: MonitorEvent) => void;
  readonly notify: NoticeListener;
  readonly maxPayloadBytes?: number;
  readonly redact?: Redactor;
  /** Where it goes on from; the start of the session by default. */
  readonly from?: CaptureState | undefined;
};

const OTHER: Readonly<Record<Direction, Direction>> = { inbound: 'outbound', outbound: 'inbound' };

/** Looks at copies of both streams of a session, and makes an event of each JSON-RPC message. */
export class Capture {
  readonly #options: CaptureOptions;
  readonly #redact: Redactor;
  readonly #splitters: Readonly<Record<Direction, LineSplitter>>;
  readonly #ids: Readonly<Record<Direction, EventIds>>;
  /** Ids collide across directions: each side numbers its own requests. */
  readonly #requests = { inbound: new PendingRequests(), outbound: new PendingRequests() };
  #moment: Moment = { wallMs: 0, monotonicMs: 0 };
  /** The last moment that was written as text: many messages have the same. */
  #written = { ms: Number.NaN, text: '' };

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#redact = options.redact ?? createRedactor([]);
    const { correlationId, from } = options;
    this.#ids = {
      inbound: eventIdsOf(correlationId, 'inbound'),
      outbound: eventIdsOf(correlationId, 'outbound'),
    };
    const maxLineBytes = options.maxPayloadBytes ?? MAX_PAYLOAD_BYTES;
    const createSplitter = (direction: Direction) =>
      new LineSplitter({
        maxLineBytes,
        onLine: (line, endsAt) => this.#record(line, direction, endsAt),
        passed: from?.passed[direction],
      });
    this.#splitters = { inbound: createSplitter('inbound'), outbound: createSplitter('outbound') };
    for (const direction of ['inbound', 'outbound'] as const) {
      for (const [id, method] of from?.requests[direction] ?? [])
        this.#requests[direction].remember(id, { method, askedAtMs: Number.NaN });
    }
  }

  /** Whether neither stream is in the middle of a line. */
  get isBetweenLines(): boolean {
    return this.#splitters.inbound.isBetweenLines && this.#splitters.outbound.isBetweenLines;
  }

  /** Where another could go on from, between two lines. */
  get state(): CaptureState {
    const { inbound, outbound } = this.#splitters;
    return {
      passed: { inbound: inbound.passed, outbound: outbound.passed },
      requests: { inbound: this.#requests.inbound.methods, outbound: this.#requests.outbound.methods },
    };
  }

  /** How many responses the client waits for. */
  get awaitedAnswers(): number {
    return this.#requests.outbound.count;
  }

  /** Takes bytes that went through. They are only looked at, and not kept. */
  see(direction: Direction, chunk: Buffer, moment: Moment): void {
    this.#moment = moment;
    this.#splitters[direction].push(chunk);
  }

  /** Takes the length of bytes from the middle of a long line, which went through unseen. */
  skip(direction: Direction, bytes: number): void {
    this.#splitters[direction].skip(bytes);
  }

  /** Takes the length of bytes with ends of lines in them, which went through unseen. */
  miss(
    direction: Direction,
    {
      bytes,
      lines,
      endsLine,
    }: { readonly bytes: number; readonly lines: number; readonly endsLine: boolean },
  ): void {
    this.#splitters[direction].cut(bytes, endsLine);
    this.#options.notify({ type: 'messages.missed', direction, bytes, lines: endsLine ? lines : lines + 1 });
  }

  /** Takes the end of a stream. */
  end(direction: Direction, moment: Moment): void {
    this.#moment = moment;
    this.#splitters[direction].end();
  }

  #record(line: Line, direction: Direction, endsAt: number): void {
    const { correlationId } = this.#options;
    const message = readMessage(line);
    if (message === undefined) {
      if (line.size > 0) this.#options.notify({ type: 'line.ignored', direction, size: line.size });
      return;
    }
    const exchange = this.#follow(message, direction);
    if (exchange.method === 'notifications/cancelled') this.#cancel(line, direction);
    const { payload, redacted } = this.#payloadOf(line);
    const event: MonitorEvent = {
      id: this.#ids[direction](endsAt),
      timestamp: this.#timestamp(),
      direction,
      ...(exchange.method === undefined ? {} : { method: exchange.method }),
      payload,
      size: line.size,
      correlationId,
    };
    const { latencyMs } = exchange;
    const notice: MessageNotice = {
      type: 'message',
      event,
      kind: message.kind,
      id: idOf(message),
      redacted,
      errors: errorsOf(message),
      ...(latencyMs === undefined ? {} : { latencyMs }),
    };
    this.#options.notify(notice);
    this.#options.onEvent(event);
  }

  #timestamp(): string {
    const ms = Math.trunc(this.#moment.wallMs);
    if (ms !== this.#written.ms) this.#written = { ms, text: new Date(ms).toISOString() };
    return this.#written.text;
  }

  /** The method of a message, that of its request for a response, and how long the response took. */
  #follow(
    message: JsonRpcMessage,
    direction: Direction,
  ): { readonly method?: string; readonly latencyMs?: number } {
    switch (message.kind) {
      case 'request':
        this.#requests[direction].remember(message.id, {
          method: message.method,
          askedAtMs: this.#moment.monotonicMs,
        });
        return { method: message.method };
      case 'notification':
        return { method: message.method };
      case 'response': {
        const request = this.#requests[OTHER[direction]].take(message.id);
        if (request === undefined) return {};
        return { method: request.method, latencyMs: this.#moment.monotonicMs - request.askedAtMs };
      }
      case 'batch': {
        const each = message.messages.map((one) => this.#follow(one, direction));
        const methods = new Set(each.flatMap(({ method }) => method ?? []));
        const latencies = each.flatMap(({ latencyMs }) => latencyMs ?? []);
        return {
          ...(methods.size > 0 ? { method: [...methods].join(',') } : {}),
          ...(latencies.length > 0 ? { latencyMs: Math.max(...latencies) } : {}),
        };
      }
    }
  }

  /** @see {@link https://modelcontextprotocol.io/specification/2025-06-18/basic/utilities/cancellation | MCP, cancellation} */
  #cancel(line: Line, direction: Direction): void {
    if (line.kind === 'oversized') return;
    try {
      const { params } = JSON.parse(line.bytes.toString('utf8')) as {
        readonly params?: { readonly requestId?: MessageId };
      };
      if (params?.requestId !== undefined) this.#requests[direction].cancel(params.requestId);
    } catch {
      // It cancels nothing.
    }
  }

  #payloadOf(line: Line): { readonly payload: Buffer; readonly redacted: number } {
    if (line.kind === 'oversized') return { payload: omitted(line.size, line.sha256), redacted: 0 };
    const { payload, count } = this.#redacted(line.bytes);
    // No hash: what is short could be found by trying.
    if (payload === undefined) return { payload: omitted(line.size, undefined), redacted: 0 };
    // The line's bytes are only lent.
    return { payload: payload === line.bytes ? Buffer.from(payload) : payload, redacted: count };
  }

  /** A message that is too large, or too odd, to be searched for secrets is no reason to record no other. */
  #redacted(bytes: Buffer): RedactedPayload {
    try {
      return this.#redact(bytes);
    } catch {
      return { payload: undefined, count: 0 };
    }
  }
}

function omitted(size: number, sha256: string | undefined): Buffer {
  const stand: OmittedPayload = { payloadOmitted: true, size, ...(sha256 === undefined ? {} : { sha256 }) };
  return Buffer.from(JSON.stringify(stand));
}

function idOf(message: JsonRpcMessage): MessageId | undefined {
  return message.kind === 'request' || message.kind === 'response' ? message.id : undefined;
}

function errorsOf(message: JsonRpcMessage): MessageNotice['errors'] {
  if (message.kind === 'batch') return message.messages.flatMap(errorsOf);
  return message.kind === 'response' && message.error !== undefined ? [message.error] : [];
}
