import { parseDurationMs } from '@kilometers/auth';
import type { AccountFlags } from '../settings.js';
import type { PlainFormat } from '../token-format/print-token.js';

/** The flags of `km auth token` that a hit can do with. */
export type PlainTokenFlags = AccountFlags & {
  readonly scope?: string;
  /** The token must be good for at least this long, in milliseconds. */
  readonly minValid?: number;
  readonly format: PlainFormat;
};

const FORMATS: readonly PlainFormat[] = ['raw', 'header', 'json', 'k8s', 'aws'];

/**
 * The flags in `words` where they are plain: each once, with a value that cannot be another flag. `undefined`
 * otherwise, which is for the parser of all of `km` to judge.
 */
export function plainTokenFlags(words: readonly string[]): PlainTokenFlags | undefined {
  const given = new Map<string, string>();
  for (let at = 0; at < words.length; at += 1) {
    const [, name, inline] =
      /^--(scope|format|profile|endpoint|min-valid)(?:=(.*))?$/s.exec(words[at] ?? '') ?? [];
    if (name === undefined || given.has(name)) return undefined;
    if (inline === undefined) at += 1;
    const value = inline ?? words[at];
    if (value === undefined || value === '' || value.startsWith('-')) return undefined;
    given.set(name, value);
  }
  const [scope, profile, endpoint] = [given.get('scope'), given.get('profile'), given.get('endpoint')];
  const format = FORMATS.find((each) => each === (given.get('format') ?? 'raw'));
  const duration = given.get('min-valid');
  const minValid = duration === undefined ? 0 : parseDurationMs(duration);
  if (format === undefined || minValid === undefined) return undefined;
  return {
    format,
    minValid,
    ...(scope !== undefined && { scope }),
    ...(profile !== undefined && { profile }),
    ...(endpoint !== undefined && { endpoint }),
  };
}
