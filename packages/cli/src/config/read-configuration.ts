import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { configFolder } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';
import { checkConfiguration, Flaw, NewerVersion } from './check-configuration.js';
import type { Configuration, ConfigurationJson } from './configuration.js';
import { JsonFlaw, JsonPositions, positionAt } from './json-positions.js';

/** Settings are a few lines: what is larger, in bytes, is something else. */
const LARGEST = 1_048_576;
const BYTE_ORDER_MARK = '\ufeff';

/** A `config.json` that was read: what it says, and how it was written. */
export type ReadConfiguration = {
  readonly configuration: Configuration;
  readonly json: ConfigurationJson;
};

/** Where `config.json` is; `undefined` for a user without a home. */
export function configurationPath(environment: NodeJS.ProcessEnv): string | undefined {
  const folder = configFolder(environment);
  return folder === undefined ? undefined : join(folder, 'config.json');
}

/**
 * What `config.json` says; where there is none, nothing.
 *
 * @throws {CliError} where it is broken, with line, column and what to do.
 */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const path = configurationPath(environment);
  const text = path === undefined ? undefined : readText(path);
  if (path === undefined || text === undefined)
    return { path, activeProfile: undefined, profiles: new Map() };
  return parseConfiguration(text, path).configuration;
}

/**
 * As {@link readConfiguration}, for who writes it again: stricter, since what JSON.parse passes over would be lost.
 *
 * @throws {CliError} where it is broken.
 */
export function readConfigurationToChange(path: string): ReadConfiguration {
  const text = readText(path);
  if (text === undefined)
    return { configuration: { path, activeProfile: undefined, profiles: new Map() }, json: {} };
  const read = parseConfiguration(text, path);
  positionsIn(text, path);
  return read;
}

/** The text of the file; `undefined` where there is none, or nothing in it. */
function readText(path: string): string | undefined {
  const bytes = readBytes(path);
  if (bytes === undefined) return undefined;
  if (!isUtf8(bytes)) throw broken(`${path} is no text in UTF-8`);
  const text = bytes.toString();
  const body = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  return body.trim() === '' ? undefined : body;
}

function readBytes(path: string): Buffer | undefined {
  let fd: number | undefined;
  try {
    // A pipe in its place would block.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw broken(`${path} is not a file`);
    refuseForeign(path, stats);
    if (stats.size > LARGEST) throw broken(`${path} is larger than ${LARGEST} bytes`);
    return readFileSync(fd);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(`${path} cannot be read: ${why}; make it readable for this user, with mode 600`, {
      exitCode: EXIT.failed,
      cause: error,
    });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Settings say where credentials are sent: another user must not have a say in them. */
function refuseForeign(path: string, { uid, mode }: Stats): void {
  const own = process.getuid?.();
  if (own === undefined) return;
  const why =
    uid !== own && uid !== 0
      ? `belongs to user ${uid}, not to user ${own}`
      : (mode & 0o002) !== 0
        ? 'can be written by every user'
        : undefined;
  if (why === undefined) return;
  throw new CliError(`${path} ${why}; it is not used: make it yours, with mode 600`, {
    exitCode: EXIT.failed,
  });
}

function parseConfiguration(text: string, path: string): ReadConfiguration {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    // What JSON.parse refuses has no positions: this throws.
    positionsIn(text, path);
    throw broken(`${path} is no JSON`, error);
  }
  try {
    return {
      configuration: { path, ...checkConfiguration(document) },
      json: document as ConfigurationJson,
    };
  } catch (error) {
    if (!(error instanceof Flaw)) throw error;
    const at = placeOf(text, positionsIn(text, path).offsetOf(error.at));
    if (error instanceof NewerVersion) {
      throw new CliError(
        `${path}:${at}: ${error.message} and is left alone: update km, or move the file away`,
        {
          exitCode: EXIT.failed,
          cause: error,
        },
      );
    }
    throw broken(`${path}:${at}: ${nameOf(error)}${error.message}`, error);
  }
}

/** Which member is meant. Names are shown, values never. */
function nameOf({ at }: Flaw): string {
  return at.length === 0 ? '' : `${at.join('.').replace(/[^\x20-\x7e]/g, '?')}: `;
}

function positionsIn(text: string, path: string): JsonPositions {
  try {
    return new JsonPositions(text);
  } catch (error) {
    if (!(error instanceof JsonFlaw)) throw error;
    throw broken(`${path}:${placeOf(text, error.offset)}: ${error.message}`, error);
  }
}

function placeOf(text: string, offset: number): string {
  const { line, column } = positionAt(text, offset);
  return `${line}:${column}`;
}

function broken(what: string, cause?: unknown): CliError {
  return new CliError(`${what}; nothing was changed: correct it, or move it away and run \`km init\``, {
    exitCode: EXIT.failed,
    cause,
  });
}
