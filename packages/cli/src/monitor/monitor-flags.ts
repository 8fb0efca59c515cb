import { expectProfileName, parseEndpoint } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';
import type { AccountFlags } from '../settings.js';
import type { Client } from './mcp-clients.js';
import { parseFieldPath, type FieldPath } from './redaction.js';

/** The flags of `km monitor`. */
export type MonitorFlags = AccountFlags & {
  readonly log?: string;
  readonly verbose?: boolean;
  readonly summary?: boolean;
  /** Nothing is sent. */
  readonly local?: boolean;
  /** Paths of fields, as `params.arguments.password`. */
  readonly redact?: readonly string[];
  /** Bytes. */
  readonly maxPayload?: number;
  /** The server gets the secrets of `km` too. */
  readonly passEnv?: boolean;
  readonly printConfig?: Client;
};

/** @throws {AuthError} where they are no account: no name of a profile, or no endpoint that a token may be sent to. */
export function assertAccount({ profile, endpoint }: AccountFlags): void {
  if (profile !== undefined) expectProfileName(profile);
  if (endpoint !== undefined) parseEndpoint(endpoint);
}

/** @throws {CliError} where `--redact` is no path. */
export function redactedPaths({ redact = [] }: MonitorFlags): FieldPath[] {
  return redact.map((text) => {
    const path = parseFieldPath(text);
    if (path !== undefined) return path;
    throw new CliError(
      `--redact ${JSON.stringify(text)} is no path: give names with dots between them, as in params.arguments.password, and * for any name or place`,
      { exitCode: EXIT.usage },
    );
  });
}

/** The flags as they are written, with the log's path as it is from `folder`. */
export function flagWords(flags: MonitorFlags, resolvePath: (path: string) => string): string[] {
  const withValue = (name: string, value: string | undefined) => (value === undefined ? [] : [name, value]);
  return [
    ...withValue('--profile', flags.profile),
    ...withValue('--endpoint', flags.endpoint),
    ...withValue('--log', flags.log === undefined ? undefined : resolvePath(flags.log)),
    ...withValue('--max-payload', flags.maxPayload?.toString()),
    ...(flags.redact ?? []).flatMap((path) => ['--redact', path]),
    ...(flags.verbose === true ? ['--verbose'] : []),
    ...(flags.summary === true ? ['--summary'] : []),
    ...(flags.local === true ? ['--local'] : []),
    ...(flags.passEnv === true ? ['--pass-env'] : []),
  ];
}
