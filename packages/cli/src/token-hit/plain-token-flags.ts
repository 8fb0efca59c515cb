import { LONGEST_OFFLINE_LIFETIME_MS, parseDurationMs } from '@kilometers/auth';
import { isForOffline } from '../token-format/offline-formats.js';
import { givenValues, plainFlags } from '../plain-flags.js';
import type { AccountFlags } from '../settings.js';
import type { PlainFormat } from '../token-format/print-token.js';

/** The flags of `km auth token` that a hit can do with. */
export type PlainTokenFlags = AccountFlags & {
  readonly scope?: string;
  /** The token must be good for at least this long, in milliseconds. */
  readonly minValid?: number;
  /** What may be past its end where no newer one can be had is for all of `km` to hand out. */
  readonly mayBeOver: boolean;
  readonly format: PlainFormat;
};

const VALUED = ['scope', 'format', 'profile', 'endpoint', 'min-valid', 'offline-lifetime'];
const FORMATS: readonly PlainFormat[] = ['raw', 'header', 'json', 'k8s', 'aws'];

/** The flags in `words` where they are plain; `undefined` otherwise: see {@link plainFlags}. */
export function plainTokenFlags(words: readonly string[]): PlainTokenFlags | undefined {
  const given = plainFlags(words, { valued: VALUED });
  if (given === undefined) return undefined;
  const format = FORMATS.find((each) => each === (given.get('format') ?? 'raw'));
  const minValid = parseDurationMs(given.get('min-valid') ?? '0s');
  if (format === undefined || minValid === undefined) return undefined;
  const offlineLifetime = given.get('offline-lifetime');
  const mayBeOver = offlineLifetime !== undefined;
  if (mayBeOver && !(isForOffline(format) && isOfflineLifetime(offlineLifetime))) return undefined;
  return {
    format,
    minValid,
    mayBeOver,
    ...givenValues(given, ['scope', 'profile', 'endpoint']),
  };
}

function isOfflineLifetime(text: string): boolean {
  const ms = parseDurationMs(text);
  return ms !== undefined && ms <= LONGEST_OFFLINE_LIFETIME_MS;
}
