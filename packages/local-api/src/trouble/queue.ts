import { checkRule } from './check-rule.js';
import { parseTrouble } from './parse.js';
import { befalls, type TroubleRule } from './rule.js';

/** The trouble still to come. Of the rules that befall a request the oldest is used. */
export class TroubleQueue {
  #rules: { readonly rule: TroubleRule; left: number }[] = [];

  /**
   * Adds trouble, as a rule or as text; the answer takes it back.
   *
   * @throws {LocalApiError} `KM_LOCAL_API_BAD_TROUBLE` when it makes no sense.
   */
  add(trouble: string | TroubleRule): () => void {
    const rule = typeof trouble === 'string' ? parseTrouble(trouble) : trouble;
    checkRule(rule);
    const entry = { rule, left: rule.count ?? 1 };
    this.#rules.push(entry);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== entry);
    };
  }

  /** Ends all trouble. */
  clear(): void {
    this.#rules = [];
  }

  /** What is still to come, oldest first; `count` says how often. */
  list(): readonly TroubleRule[] {
    return this.#rules.map(({ left, rule }) => ({ ...rule, count: left }));
  }

  /** The trouble that befalls this request, which uses it up by one. */
  take(method: string, path: string): TroubleRule | undefined {
    const entry = this.#rules.find(({ rule }) => befalls(rule, method, path));
    if (entry === undefined) return undefined;
    entry.left -= 1;
    if (entry.left <= 0) this.#rules = this.#rules.filter((other) => other !== entry);
    return entry.rule;
  }
}
