import type { JsonRpcMessage, MessageId, ResponseError } from './json-rpc-message.js';
import type { Direction, EventBatch, MonitorEvent } from './monitor-event.js';

/** A message went through. */
export type MessageNotice = {
  readonly type: 'message';
  readonly event: MonitorEvent;
  readonly kind: JsonRpcMessage['kind'];
  readonly id: MessageId | undefined;
  /** For a response: since its request; for a batch of them the longest. */
  readonly latencyMs?: number;
  /** What its responses say went wrong. */
  readonly errors: readonly ResponseError[];
  /** How many values of its payload were replaced. */
  readonly redacted: number;
};

/** What happens in a session, for those who watch it: the log file, the lines on stderr, the summary. */
export type MonitorNotice =
  | { readonly type: 'session.started'; readonly correlationId: string; readonly serverPid: number }
  | MessageNotice
  /** A line that is no JSON-RPC message: passed on, not recorded. */
  | { readonly type: 'line.ignored'; readonly direction: Direction; readonly size: number }
  /** More went through than could be looked at: these lines are not recorded. */
  | {
      readonly type: 'messages.missed';
      readonly direction: Direction;
      readonly bytes: number;
      readonly lines: number;
    }
  | DeliveryNotice
  | {
      readonly type: 'session.ended';
      readonly exitCode: number;
      /** Events that are not at the API. */
      readonly undelivered: number;
      /** How many of them do not wait in the queue, either. */
      readonly lost: number;
    };

/** What becomes of events on their way to the API. */
export type DeliveryNotice =
  | { readonly type: 'batch.delivered'; readonly batch: EventBatch; readonly durationMs: number }
  /** Not delivered this time; kept, and tried again after `retryInMs`. */
  | {
      readonly type: 'batch.postponed';
      readonly batch: EventBatch;
      readonly reason: string;
      readonly retryInMs: number;
      readonly needsHuman: boolean;
    }
  /** The API will not have this, however often it is sent: set aside, alone, or lost where that cannot be. */
  | {
      readonly type: 'batch.refused';
      readonly batch: EventBatch;
      readonly reason: string;
      readonly isKept: boolean;
    }
  /** The oldest events were given up: the queue or the memory for it was full, or they were too old. */
  | {
      readonly type: 'events.dropped';
      readonly count: number;
      readonly why: 'size' | 'memory' | 'age' | 'aside';
    }
  /** Something about the queue that a person may want to know. */
  | { readonly type: 'queue.trouble'; readonly message: string };

export type NoticeListener = (notice: MonitorNotice) => void;
