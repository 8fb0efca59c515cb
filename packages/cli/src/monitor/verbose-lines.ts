import type { ResponseError } from './json-rpc-message.js';
import type { Direction } from './monitor-event.js';
import type { MessageNotice, MonitorNotice } from './monitor-notice.js';
import { readable, readableDuration, readableSize } from './readable-text.js';

/** From the client to the server, and back. */
const ARROWS: Readonly<Record<Direction, string>> = { outbound: '-->', inbound: '<--' };

/** Lines of one turn; those on top of this are left out, and counted. */
const MAX_LINES = 1_000;

/** One readable line a message: its direction, kind, method, id and size, how long its answer took, what went wrong. */
export class VerboseLines {
  readonly #write: (text: string) => void;
  #lines: string[] = [];
  #leftOut = 0;

  /** @param write takes whole lines. */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  readonly onNotice = (notice: MonitorNotice): void => {
    switch (notice.type) {
      case 'message':
        this.#add(messageLine(notice));
        break;
      case 'line.ignored':
        this.#add(`${ARROWS[notice.direction]} no JSON-RPC ${readableSize(notice.size)}`);
        break;
      case 'messages.missed':
        this.#add(
          `${ARROWS[notice.direction]} ${notice.lines} too fast to be recorded ${readableSize(notice.bytes)}`,
        );
        break;
      default:
    }
  };

  /** Writes what there is. */
  flush(): void {
    if (this.#leftOut > 0) this.#lines.push(`km: ${this.#leftOut} more messages passed\n`);
    if (this.#lines.length > 0) this.#write(this.#lines.join(''));
    this.#lines = [];
    this.#leftOut = 0;
  }

  #add(line: string): void {
    if (this.#lines.length < MAX_LINES) this.#lines.push(`km: ${line}\n`);
    else this.#leftOut += 1;
  }
}

function messageLine({ event, kind, id, latencyMs, errors }: MessageNotice): string {
  return [
    ARROWS[event.direction],
    kind,
    ...(event.method === undefined ? [] : [readable(event.method)]),
    ...(id === undefined ? [] : [`id=${readable(String(id))}`]),
    readableSize(event.size),
    ...(latencyMs === undefined ? [] : [readableDuration(latencyMs)]),
    ...errors.map(errorText),
  ].join(' ');
}

/** `error -32601 "Method not found"`. */
function errorText({ code, message }: ResponseError): string {
  const words = ['error'];
  if (code !== undefined) words.push(String(code));
  if (message !== undefined) words.push(readable(message));
  return words.join(' ');
}
