import type { Clock } from '@kilometers/auth';
import { readMessage, type JsonRpcMessage, type MessageId } from './json-rpc-message.js';
import { LineSplitter, type Line } from './line-splitter.js';
import type { Direction, MonitorEvent, OmittedPayload } from './monitor-event.js';
import type { NoticeListener } from './monitor-notice.js';
import { RequestMethods } from './request-methods.js';

/** Longer messages are recorded by size and hash. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

export type CaptureOptions = {
  readonly correlationId: string;
  readonly clock: Clock;
  readonly createId: () => string;
  readonly onEvent: (event: MonitorEvent) => void;
  readonly notify: NoticeListener;
  readonly maxPayloadBytes?: number;
};

/** Looks at copies of both streams of a session, and makes an event of each JSON-RPC message. */
export class Capture {
  readonly #options: CaptureOptions;
  readonly #splitters: Readonly<Record<Direction, LineSplitter>>;
  /** Ids collide across directions: each side numbers its own requests. */
  readonly #requests = { inbound: new RequestMethods(), outbound: new RequestMethods() };

  constructor(options: CaptureOptions) {
    this.#options = options;
    const maxLineBytes = options.maxPayloadBytes ?? MAX_PAYLOAD_BYTES;
    const createSplitter = (direction: Direction) =>
      new LineSplitter({ maxLineBytes, onLine: (line) => this.#record(line, direction) });
    this.#splitters = { inbound: createSplitter('inbound'), outbound: createSplitter('outbound') };
  }

  /** Whether the client waits for a response. */
  get isAnswerAwaited(): boolean {
    return this.#requests.outbound.unanswered > 0;
  }

  /** Takes bytes that went through. */
  see(direction: Direction, chunk: Buffer): void {
    this.#splitters[direction].push(chunk);
  }

  /** Takes the end of a stream. */
  end(direction: Direction): void {
    this.#splitters[direction].end();
  }

  #record(line: Line, direction: Direction): void {
    const message = readMessage(line);
    if (message === undefined) {
      if (line.size > 0) this.#options.notify({ type: 'line.ignored', direction, size: line.size });
      return;
    }
    const method = this.#methodOf(message, direction);
    const event: MonitorEvent = {
      id: this.#options.createId(),
      timestamp: new Date(this.#options.clock.nowMs()).toISOString(),
      direction,
      ...(method === undefined ? {} : { method }),
      payload: payloadOf(line),
      size: line.size,
      correlationId: this.#options.correlationId,
    };
    this.#options.notify({ type: 'message', event, kind: message.kind, id: idOf(message) });
    this.#options.onEvent(event);
  }

  #methodOf(message: JsonRpcMessage, direction: Direction): string | undefined {
    switch (message.kind) {
      case 'request':
        this.#requests[direction].remember(message.id, message.method);
        return message.method;
      case 'notification':
        return message.method;
      case 'response':
        return this.#requests[direction === 'inbound' ? 'outbound' : 'inbound'].take(message.id);
      case 'batch': {
        const methods = new Set(message.messages.map((each) => this.#methodOf(each, direction)));
        methods.delete(undefined);
        return methods.size > 0 ? [...methods].join(',') : undefined;
      }
    }
  }
}

function payloadOf(line: Line): Buffer {
  if (line.kind === 'whole') return Buffer.from(line.bytes);
  const omitted: OmittedPayload = { payloadOmitted: true, size: line.size, sha256: line.sha256 };
  return Buffer.from(JSON.stringify(omitted));
}

function idOf(message: JsonRpcMessage): MessageId | undefined {
  return message.kind === 'request' || message.kind === 'response' ? message.id : undefined;
}
