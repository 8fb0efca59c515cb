import { nameAt, skipSpace, visitItems, type Span } from './json-cursor.js';
import { mayHaveSecrets, REDACTED, withoutObviousSecrets } from './obvious-secrets.js';

/** A payload as it may leave the machine. */
export type RedactedPayload = {
  /** `undefined` when it cannot be read, so that nobody knows where its secrets are. */
  readonly payload: Buffer | undefined;
  /** How many values were replaced. */
  readonly count: number;
};

/** Takes the secrets out of a message. The bytes it is given stay as they are; what it returns may be those. */
export type Redactor = (message: Buffer) => RedactedPayload;

/** The names from the top of a message down to a value; `*` is any name, and any element of an array. */
export type FieldPath = readonly string[];

const ANY = '*';
const REPLACEMENT = Buffer.from(JSON.stringify(REDACTED));

/** Reads `params.arguments.password`; `undefined` where that is no path. A dot in a name is written `\.`. */
export function parseFieldPath(text: string): FieldPath | undefined {
  const path = text.split(/(?<!\\)\./).map((name) => name.replaceAll('\\.', '.'));
  return path.includes('') ? undefined : path;
}

/** Makes a redactor for obvious secrets and the values at `paths`. */
export function createRedactor(paths: readonly FieldPath[]): Redactor {
  return (message) => {
    const fields = paths.length === 0 ? { payload: message, count: 0 } : withoutFields(message, paths);
    if (fields.payload === undefined || !mayHaveSecrets(fields.payload)) return fields;
    // A byte a character: whatever the bytes are, they come back as they were.
    const text = fields.payload.toString('latin1');
    const secrets = withoutObviousSecrets(text);
    if (secrets.count === 0) return fields;
    return { payload: Buffer.from(secrets.text, 'latin1'), count: fields.count + secrets.count };
  };
}

function withoutFields(message: Buffer, paths: readonly FieldPath[]): RedactedPayload {
  const spans: Span[] = [];
  const start = skipSpace(message, 0);
  // In a batch each message has the paths.
  const isRead =
    message[start] === 0x5b
      ? find(
          message,
          start,
          paths.map((path) => [ANY, ...path]),
          spans,
        )
      : find(message, start, paths, spans);
  if (!isRead) return { payload: undefined, count: 0 };
  if (spans.length === 0) return { payload: message, count: 0 };
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start: from, end } of spans) {
    parts.push(message.subarray(at, from), REPLACEMENT);
    at = end;
  }
  return { payload: Buffer.concat([...parts, message.subarray(at)]), count: spans.length };
}

/** Adds the places of the values at `paths` below the value at `start`, in order; `false` where that cannot be read. */
function find(text: Buffer, start: number, paths: readonly FieldPath[], spans: Span[]): boolean {
  if (text[start] !== 0x7b && text[start] !== 0x5b) return true;
  const unread: Span[] = [];
  const end = visitItems(text, start, (key, value) => {
    const name = typeof key === 'number' ? String(key) : nameAt(text, key);
    const below = paths.filter(([first]) => first === ANY || first === name).map((path) => path.slice(1));
    if (below.length === 0 || value.end === -1) return;
    if (below.some((path) => path.length === 0)) spans.push(value);
    else if (!find(text, value.start, below, spans)) unread.push(value);
  });
  return end !== -1 && unread.length === 0;
}
