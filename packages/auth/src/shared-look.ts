/** Looks once for all who ask while it looks, and nothing was changed. */
export class SharedLook<T> {
  #underway: { readonly found: Promise<T>; readonly changes: unknown } | undefined;

  /**
   * What the look under way brings, or a new one.
   *
   * @param changes another value after each change: who asks then does not join a look that may not have seen it.
   */
  join(changes: unknown, look: () => Promise<T>): Promise<T> {
    if (this.#underway !== undefined && this.#underway.changes === changes) return this.#underway.found;
    const found = look().finally(() => {
      if (this.#underway === underway) this.#underway = undefined;
    });
    const underway = { found, changes };
    this.#underway = underway;
    return found;
  }
}
