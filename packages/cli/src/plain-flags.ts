/** The flags that a command line may have where nobody but its own command reads it. */
export type FlagNames = {
  /** Those with a value. */
  readonly valued: readonly string[];
  /** Those without. */
  readonly switches?: readonly string[];
};

/**
 * The flags in `words` where they are plain: each once, with a value that cannot be another flag. `undefined`
 * otherwise, which is for the parser of all of `km` to judge.
 */
export function plainFlags(
  words: readonly string[],
  { valued, switches = [] }: FlagNames,
): ReadonlyMap<string, string> | undefined {
  const given = new Map<string, string>();
  for (let at = 0; at < words.length; at += 1) {
    const [, name = '', inline] = /^--([a-z-]+)(?:=(.*))?$/s.exec(words[at] ?? '') ?? [];
    if (given.has(name)) return undefined;
    if (switches.includes(name) && inline === undefined) {
      given.set(name, '');
      continue;
    }
    if (!valued.includes(name)) return undefined;
    if (inline === undefined) at += 1;
    const value = inline ?? words[at];
    if (value === undefined || value === '' || value.startsWith('-')) return undefined;
    given.set(name, value);
  }
  return given;
}

/** The values of those of `names` that were given. */
export function givenValues<Name extends string>(
  given: ReadonlyMap<string, string>,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const values: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = given.get(name);
    if (value !== undefined) values[name] = value;
  }
  return values;
}
