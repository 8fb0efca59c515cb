import type { Line } from './line-splitter.js';
import { scanMembers } from './member-scanner.js';

/** What the monitor knows of a JSON-RPC message: never its contents. */
export type JsonRpcMessage =
  | { readonly kind: 'request'; readonly id: MessageId; readonly method: string }
  | { readonly kind: 'notification'; readonly method: string }
  | { readonly kind: 'response'; readonly id: MessageId }
  | { readonly kind: 'batch'; readonly messages: readonly JsonRpcMessage[] };

/** As the peers wrote it: `1` and `"1"` are two ids. */
export type MessageId = string | number | null;

/** Lines up to here are parsed as a whole; longer ones are only looked at from both ends. */
const PARSE_BYTES = 64 * 1024;
const TAIL_BYTES = 1024;

/**
 * Reads the kind, id and method of a message; `undefined` where the line is no JSON-RPC message.
 *
 * @see {@link https://www.jsonrpc.org/specification | JSON-RPC 2.0}
 */
export function readMessage(line: Line): JsonRpcMessage | undefined {
  if (line.kind === 'oversized') {
    return looksLikeBatch(line.head)
      ? { kind: 'batch', messages: [] }
      : classify(scanMembers(line.head, line.tail));
  }
  if (line.size <= PARSE_BYTES || looksLikeBatch(line.bytes)) return readValue(parse(line.bytes));
  return classify(scanMembers(line.bytes.subarray(0, PARSE_BYTES), line.bytes.subarray(-TAIL_BYTES)));
}

function looksLikeBatch(bytes: Buffer): boolean {
  return /^\s*\[\s*\{/.test(bytes.toString('latin1', 0, TAIL_BYTES));
}

function readValue(value: unknown): JsonRpcMessage | undefined {
  if (!Array.isArray(value)) return classify(value);
  const messages = value.map(classify).filter((message) => message !== undefined);
  return messages.length > 0 ? { kind: 'batch', messages } : undefined;
}

function classify(value: unknown): JsonRpcMessage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { method, id } = value as { readonly method?: unknown; readonly id?: unknown };
  if (typeof method === 'string') {
    return isMessageId(id) ? { kind: 'request', id, method } : { kind: 'notification', method };
  }
  return isMessageId(id) && ('result' in value || 'error' in value) ? { kind: 'response', id } : undefined;
}

function isMessageId(id: unknown): id is MessageId {
  return typeof id === 'string' || typeof id === 'number' || id === null;
}

function parse(bytes: Buffer): unknown {
  const first = bytes.find((byte) => byte > 0x20);
  if (first !== 0x7b && first !== 0x5b) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
