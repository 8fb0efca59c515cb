/** `text` as one readable word or quoted string: what could steer a terminal is written as an escape. */
export function readable(text: string): string {
  if (/^[\x21\x23-\x7e]+$/.test(text)) return text;
  return JSON.stringify(text).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** `312 B`, `48.1 KB`, `2.0 MB`. */
export function readableSize(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `0.4 ms`, `38 ms`, `2.5 s`. */
export function readableDuration(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** `1 message`, `2 messages`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `1 event`, `2 events`. */
export function eventsIn(count: number): string {
  return countOf(count, 'event');
}
