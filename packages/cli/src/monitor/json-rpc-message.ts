import type { Line } from './line-splitter.js';
import { scanEnds, scanObject, type ScannedMembers } from './member-scanner.js';
import { withoutObviousSecrets } from './obvious-secrets.js';

/** What the monitor knows of a JSON-RPC message: never its contents. */
export type JsonRpcMessage =
  | { readonly kind: 'request'; readonly id: MessageId; readonly method: string }
  | { readonly kind: 'notification'; readonly method: string }
  /** The id is `null` also where there is none, or one that is too long. */
  | { readonly kind: 'response'; readonly id: MessageId; readonly error?: ResponseError }
  | { readonly kind: 'batch'; readonly messages: readonly JsonRpcMessage[] };

/** As the peers wrote it: `1` and `"1"` are two ids. */
export type MessageId = string | number | null;

/** What a response says went wrong, as far as it can be read, and without the secrets that show what they are. */
export type ResponseError = { readonly code?: number; readonly message?: string };

/** Lines up to here are looked through as a whole; longer ones are only looked at from both ends. */
const WHOLE_BYTES = 64 * 1024;
const TAIL_BYTES = 1024;
/** A batch that is longer is only known to be one: its values would take many times the memory. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/** Longer names and ids are no use to anybody, and would fill the memory. */
const MAX_METHOD_LENGTH = 256;
const MAX_ID_LENGTH = 1024;
const MAX_ERROR_LENGTH = 1024;
/** What is longer is not looked through for secrets, and not told at all. */
const MAX_READ_LENGTH = 64 * 1024;

const UNREAD_BATCH: JsonRpcMessage = { kind: 'batch', messages: [] };

/**
 * Reads the kind, id and method of a message; `undefined` where the line is no JSON-RPC message.
 *
 * @see {@link https://www.jsonrpc.org/specification | JSON-RPC 2.0}
 */
export function readMessage(line: Line): JsonRpcMessage | undefined {
  if (line.kind === 'oversized') {
    return looksLikeBatch(line.head) ? UNREAD_BATCH : classify(scanEnds(line.head, line.tail));
  }
  if (looksLikeBatch(line.bytes)) return line.size > MAX_BATCH_BYTES ? UNREAD_BATCH : readBatch(line.bytes);
  if (line.size <= WHOLE_BYTES) return classify(scanObject(line.bytes));
  return classify(scanEnds(line.bytes.subarray(0, WHOLE_BYTES), line.bytes.subarray(-TAIL_BYTES)));
}

function looksLikeBatch(bytes: Buffer): boolean {
  // Asked of every line, and nearly always in vain.
  if (bytes[0] === 0x7b) return false;
  return /^\s*\[\s*\{/.test(bytes.toString('latin1', 0, TAIL_BYTES));
}

function readBatch(bytes: Buffer): JsonRpcMessage | undefined {
  const value = parse(bytes);
  if (!Array.isArray(value)) return undefined;
  const messages = value.map((each: unknown) => classify(membersOf(each)));
  const known = messages.filter((message) => message !== undefined);
  return known.length > 0 ? { kind: 'batch', messages: known } : undefined;
}

function membersOf(value: unknown): ScannedMembers | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return { ...value, isAnswer: 'result' in value || 'error' in value };
}

function classify(members: ScannedMembers | undefined): JsonRpcMessage | undefined {
  if (members === undefined) return undefined;
  const { method, id, isAnswer } = members;
  if (typeof method === 'string') {
    const name = method.slice(0, MAX_METHOD_LENGTH);
    return isMessageId(id) ? { kind: 'request', id, method: name } : { kind: 'notification', method: name };
  }
  if (!isAnswer) return undefined;
  const error = errorOf(members.error);
  // Who could not read a request says so without its id; a line of somebody's log has no code.
  const isKnown = isMessageId(id) || typeof id === 'string' || error?.code !== undefined;
  if (!isKnown) return undefined;
  return { kind: 'response', id: isMessageId(id) ? id : null, ...(error === undefined ? {} : { error }) };
}

function errorOf(value: unknown): ResponseError | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, message } = value as { readonly code?: unknown; readonly message?: unknown };
  return {
    ...(typeof code === 'number' ? { code } : {}),
    // A secret that is cut does not show any more what it is.
    ...(typeof message === 'string' && message.length <= MAX_READ_LENGTH
      ? { message: withoutObviousSecrets(message).text.slice(0, MAX_ERROR_LENGTH) }
      : {}),
  };
}

function isMessageId(id: unknown): id is MessageId {
  return typeof id === 'number' || id === null || (typeof id === 'string' && id.length <= MAX_ID_LENGTH);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
