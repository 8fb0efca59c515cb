/** Members of a JSON object as far as its two ends tell; a value that was not read whole is `undefined`. */
export type ScannedMembers = Readonly<Record<string, unknown>>;

/** A string, a number or a literal; or the opening of an object or array. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/y;
const SPACE = /[ \t\r\n]*/y;

/**
 * Finds the short members of a JSON object at both of its ends, without reading what lies between.
 *
 * MCP peers write `method` first and `id` last, around a large `params` or `result`.
 */
export function scanMembers(head: Buffer, tail: Buffer): ScannedMembers | undefined {
  const start = head.toString('latin1');
  if (!/^\s*\{/.test(start)) return undefined;
  return { ...membersAtStart(start), ...membersAtEnd(tail.toString('latin1')) };
}

/** The members from the opening brace on, up to the first that does not end within `text`. */
function membersAtStart(text: string): ScannedMembers {
  const members: Record<string, unknown> = {};
  const cursor = { text, at: text.indexOf('{') + 1 };
  for (;;) {
    const key = nextToken(cursor);
    if (key?.startsWith('"') !== true || nextToken(cursor) !== ':') return members;
    const name = String(literalOf(key));
    members[name] = undefined;
    const value = nextToken(cursor);
    if (value === undefined) return members;
    const isContainer = value === '{' || value === '[';
    if (isContainer && !skipContainer(cursor)) return members;
    const next = nextToken(cursor);
    // Without a token behind it, a number may go on where the text was cut.
    if (!isContainer && next !== undefined) members[name] = literalOf(value);
    if (next !== ',') return members;
  }
}

/**
 * The members before the closing brace, back to the first that is not short. Sound because the last brace closes
 * the object, so that what stands directly before it is its last member.
 */
function membersAtEnd(text: string): ScannedMembers {
  const members: Record<string, unknown> = {};
  const last = /(?<=[,{]\s*)"([^"\\]*)"\s*:\s*("[^"\\]*"|-?\d[\d.eE+-]*|true|false|null)\s*$/;
  let rest = /^([^]*)\}\s*$/.exec(text)?.[1];
  for (let match = last.exec(rest ?? ''); match !== null; match = last.exec(rest)) {
    const [, name = '', value = ''] = match;
    members[name] = literalOf(value);
    rest = (rest ?? '').slice(0, match.index).replace(/,\s*$/, '');
  }
  return members;
}

type Cursor = { readonly text: string; at: number };

function nextToken(cursor: Cursor): string | undefined {
  SPACE.lastIndex = cursor.at;
  SPACE.test(cursor.text);
  TOKEN.lastIndex = SPACE.lastIndex;
  const token = TOKEN.exec(cursor.text)?.[0];
  cursor.at = TOKEN.lastIndex;
  return token;
}

/** Goes to the end of the object or array just opened; `false` when that is not within the text. */
function skipContainer(cursor: Cursor): boolean {
  for (let depth = 1; depth > 0;) {
    const token = nextToken(cursor);
    if (token === undefined) return false;
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
  }
  return true;
}

function literalOf(token: string): unknown {
  try {
    // The ends were read byte by byte, so that a character cut in two does no harm; put the text together again.
    return JSON.parse(Buffer.from(token, 'latin1').toString('utf8'));
  } catch {
    return undefined;
  }
}
