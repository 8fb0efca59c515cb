/** `outbound`: from the client to the server. `inbound`: from the server to the client. */
export type Direction = 'inbound' | 'outbound';

/** One message that went through. */
export type MonitorEvent = {
  /** A UUID: the API stores each id once, however often it is sent. */
  readonly id: string;
  /** RFC 3339. */
  readonly timestamp: string;
  readonly direction: Direction;
  /** Of the request, for a response too; for a batch the methods in it, each once, comma-separated. */
  readonly method?: string;
  /**
   * The bytes of the message, with `[redacted]` in the place of each secret; for an oversized one, those of an
   * {@link OmittedPayload} in JSON. Memory of its own: nothing else is kept alive by it.
   */
  readonly payload: Buffer;
  /** Bytes of the message as it went through. */
  readonly size: number;
  /** The same for all events of one run of `km monitor`. */
  readonly correlationId: string;
};

/** Stands in for a payload that is too large to keep. */
export type OmittedPayload = {
  readonly payloadOmitted: true;
  /** Bytes of the message. */
  readonly size: number;
  /** Of all its bytes, in hex; missing where they came too fast to be looked at. */
  readonly sha256?: string;
};

/** Events that are sent, and sent again, as one. */
export type EventBatch = {
  readonly events: readonly MonitorEvent[];
  readonly correlationId: string;
  readonly cliVersion: string;
  /** RFC 3339: when the batch was closed. */
  readonly batchTimestamp: string;
};

/** About how much memory an event takes, in bytes. */
export function sizeInMemory(event: MonitorEvent): number {
  return event.payload.length + 512;
}

/** The body of `POST /api/events/batch`: JSON, with payloads in base64. */
export function requestBodyOf(batch: EventBatch): string {
  const { events, ...rest } = batch;
  return JSON.stringify({
    events: events.map((event) => ({ ...event, payload: event.payload.toString('base64') })),
    ...rest,
  });
}
