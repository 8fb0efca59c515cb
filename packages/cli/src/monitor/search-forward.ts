export type SearchForward = (from: number) => RegExpExecArray | undefined;

/** Finds the first match from a place on; places come in order, and nothing is looked through twice. */
export function searchForward(text: string, pattern: RegExp): SearchForward {
  let found: RegExpExecArray | null | undefined;
  return (from) => {
    if (found === undefined || (found !== null && found.index < from)) {
      pattern.lastIndex = from;
      found = pattern.exec(text);
    }
    return found ?? undefined;
  };
}
