import { nameAt, skipSpace, valueAt, visitItems, type Span } from './json-cursor.js';

/** What a JSON object tells of itself at its top level; a member that was not read whole has no value. */
export type ScannedMembers = {
  method?: unknown;
  id?: unknown;
  /** Whether there is a `result` or an `error`. */
  isAnswer: boolean;
  /** The value of `error`; an empty object where it is not small. */
  error?: unknown;
};

/** An error that is larger is only known to be there. */
const MAX_ERROR_BYTES = 16 * 1024;

/** The members of the JSON object that `text` is; `undefined` where it is none, or not whole. */
export function scanObject(text: Buffer): ScannedMembers | undefined {
  const members: ScannedMembers = { isAnswer: false };
  const end = scanFromStart(text, members);
  return end !== -1 && skipSpace(text, end) === text.length ? members : undefined;
}

/**
 * Finds the short members of a JSON object at both of its ends, without reading what lies between.
 *
 * MCP peers write `method` first and `id` last, around a large `params` or `result`.
 */
export function scanEnds(head: Buffer, tail: Buffer): ScannedMembers | undefined {
  const members: ScannedMembers = { isAnswer: false };
  if (head[skipSpace(head, 0)] !== 0x7b) return undefined;
  scanFromStart(head, members);
  scanFromEnd(tail.toString('latin1'), members);
  return members;
}

function scanFromStart(text: Buffer, members: ScannedMembers): number {
  return visitItems(text, skipSpace(text, 0), (key, value) => {
    if (typeof key === 'object') take(members, text, key, value);
  });
}

function take(members: ScannedMembers, text: Buffer, key: Span, value: Span): void {
  const isWhole = value.end !== -1;
  switch (nameAt(text, key)) {
    case 'id':
      members.id = isWhole ? valueAt(text, value) : undefined;
      break;
    case 'method':
      members.method = isWhole ? valueAt(text, value) : undefined;
      break;
    case 'result':
      members.isAnswer = true;
      break;
    case 'error':
      members.isAnswer = true;
      members.error = isWhole && value.end - value.start <= MAX_ERROR_BYTES ? valueAt(text, value) : {};
      break;
    default:
  }
}

/**
 * The members before the closing brace, back to the first that is not short. Sound because the last brace closes
 * the object, so that what stands directly before it is its last member.
 */
function scanFromEnd(text: string, members: ScannedMembers): void {
  const last = /(?<=[,{]\s*)"([^"\\]*)"\s*:\s*("[^"\\]*"|-?\d[\d.eE+-]*|true|false|null)\s*$/;
  let rest = /^([^]*)\}\s*$/.exec(text)?.[1];
  // The last of two members with one name counts.
  const seen = new Set<string>();
  for (let match = last.exec(rest ?? ''); match !== null; match = last.exec(rest)) {
    const [, name = '', value = ''] = match;
    // Read byte by byte, so that a character cut in two does no harm; now the text is put together again.
    const bytes = Buffer.from(value, 'latin1');
    if (!seen.has(name)) {
      if (name === 'id' || name === 'method') members[name] = valueAt(bytes, { start: 0, end: bytes.length });
      if (name === 'result' || name === 'error') members.isAnswer = true;
    }
    seen.add(name);
    rest = (rest ?? '').slice(0, match.index).replace(/,\s*$/, '');
  }
}
