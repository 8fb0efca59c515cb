/** Looks once for all who ask while it looks, and nothing was changed. */
export class SharedLook<T> {
  readonly #look: () => Promise<T>;
  readonly #changes: () => unknown;
  #underway: { readonly found: Promise<T>; readonly changes: unknown } | undefined;

  /** @param changes another value after each change: who asks then does not join a look that may not have seen it. */
  constructor(look: () => Promise<T>, changes: () => unknown) {
    this.#look = look;
    this.#changes = changes;
  }

  /** What the look under way brings, or a new one. */
  join(): Promise<T> {
    const changes = this.#changes();
    if (this.#underway !== undefined && this.#underway.changes === changes) return this.#underway.found;
    const found = this.#look().finally(() => {
      if (this.#underway === underway) this.#underway = undefined;
    });
    const underway = { found, changes };
    this.#underway = underway;
    return found;
  }
}
