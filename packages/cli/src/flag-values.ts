import { LONGEST_OFFLINE_LIFETIME_MS, parseDurationMs } from '@kilometers/auth';
import { InvalidArgumentError } from 'commander';
import { KEPT_DAYS } from './analytics/kept-days.js';
import { parseBytes } from './byte-size.js';
import { CLIENTS, type Client } from './monitor/mcp-clients.js';

/** Milliseconds of a duration flag. */
export function parseDuration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new InvalidArgumentError('Give a duration such as 500ms, 60s, 5m or 1h.');
  return ms;
}

/** Milliseconds by which a token may live longer while offline. */
export function parseOfflineLifetime(text: string): number {
  const ms = parseDuration(text);
  if (ms <= LONGEST_OFFLINE_LIFETIME_MS) return ms;
  throw new InvalidArgumentError('Give a duration up to 30d.');
}

/** Milliseconds to look back, as far as something is kept. */
export function parseLookBack(text: string): number {
  const ms = parseDuration(text);
  if (ms <= KEPT_DAYS * 86_400_000) return ms;
  throw new InvalidArgumentError(`Give a duration up to ${KEPT_DAYS}d.`);
}

/** Milliseconds of a token's life, which the API counts in seconds. */
export function parseTokenTtl(text: string): number {
  const ms = parseDuration(text);
  if (ms >= 1_000 && ms <= 30 * 24 * 3_600_000) return ms;
  throw new InvalidArgumentError('Give a duration from 1s to 30d.');
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('Give a number from 0 (any free port) to 65535.');
}

/** Gathers a flag that may be given more than once. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** Gathers `--scope` flags, each of which is for a token of its own. */
export function collectScopes(text: string, before: readonly string[] | undefined): readonly string[] {
  if (text.trim() === '') throw new InvalidArgumentError('Give one or more words, as in "monitoring".');
  return collect(text, before);
}

/** Gathers the words of `--scope` flags for one token that is for all of them. */
export function joinScopes(text: string, before: string | undefined): string {
  return collectScopes(text, before === undefined ? [] : [before]).join(' ');
}

const MAX_SIZE = 64 * 1024 ** 2;

/** Bytes of a size flag. */
export function parseSize(text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== undefined && bytes <= MAX_SIZE) return bytes;
  throw new InvalidArgumentError('Give a size from 0 to 64MiB, such as 512KiB or 1MiB.');
}

export function parseClient(text: string): Client {
  const client = CLIENTS.find((each) => each === text);
  if (client !== undefined) return client;
  throw new InvalidArgumentError('Give claude, cursor or vscode.');
}
