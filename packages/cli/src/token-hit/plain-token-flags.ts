import { parseDurationMs } from '@kilometers/auth';
import { givenValues, plainFlags } from '../plain-flags.js';
import type { AccountFlags } from '../settings.js';
import type { PlainFormat } from '../token-format/print-token.js';

/** The flags of `km auth token` that a hit can do with. */
export type PlainTokenFlags = AccountFlags & {
  readonly scope?: string;
  /** The token must be good for at least this long, in milliseconds. */
  readonly minValid?: number;
  readonly format: PlainFormat;
};

const VALUED = ['scope', 'format', 'profile', 'endpoint', 'min-valid'];
const FORMATS: readonly PlainFormat[] = ['raw', 'header', 'json', 'k8s', 'aws'];

/** The flags in `words` where they are plain; `undefined` otherwise: see {@link plainFlags}. */
export function plainTokenFlags(words: readonly string[]): PlainTokenFlags | undefined {
  const given = plainFlags(words, { valued: VALUED });
  if (given === undefined) return undefined;
  const format = FORMATS.find((each) => each === (given.get('format') ?? 'raw'));
  const duration = given.get('min-valid');
  const minValid = duration === undefined ? 0 : parseDurationMs(duration);
  if (format === undefined || minValid === undefined) return undefined;
  return {
    format,
    minValid,
    ...givenValues(given, ['scope', 'profile', 'endpoint']),
  };
}
