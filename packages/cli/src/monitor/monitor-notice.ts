import type { JsonRpcMessage, MessageId } from './json-rpc-message.js';
import type { Direction, EventBatch, MonitorEvent } from './monitor-event.js';

/** What happens in a session, for those who watch it: the log file, the lines on stderr, the summary. */
export type MonitorNotice =
  | { readonly type: 'session.started'; readonly correlationId: string; readonly serverPid: number }
  | {
      readonly type: 'message';
      readonly event: MonitorEvent;
      readonly kind: JsonRpcMessage['kind'];
      readonly id: MessageId | undefined;
    }
  /** A line that is no JSON-RPC message: passed on, not recorded. */
  | { readonly type: 'line.ignored'; readonly direction: Direction; readonly size: number }
  | { readonly type: 'batch.delivered'; readonly batch: EventBatch; readonly durationMs: number }
  /** Not delivered this time; kept, and tried again after `retryInMs`. */
  | {
      readonly type: 'batch.postponed';
      readonly batch: EventBatch;
      readonly reason: string;
      readonly retryInMs: number;
      readonly needsHuman: boolean;
    }
  /** The API will not have this batch, however often it is sent: given up. */
  | { readonly type: 'batch.refused'; readonly batch: EventBatch; readonly reason: string }
  /** The queue was full: the oldest events were given up. */
  | { readonly type: 'events.dropped'; readonly count: number }
  | { readonly type: 'session.ended'; readonly exitCode: number; readonly undelivered: number };

export type NoticeListener = (notice: MonitorNotice) => void;
