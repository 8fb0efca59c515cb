import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Context } from 'hono';
import * as v from 'valibot';
import type { ApiEnv } from './services.js';
import { ConnectionDropped, HttpProblem } from './http-problem.js';
import { OAuthError } from './oauth-error.js';

const gunzipAsync = promisify(gunzip);

/** The biggest body of anything but a batch of events. */
const SMALL_BODY_BYTES = 64 * 1024;

/**
 * The body as text, with gzip unpacked up to the same limit.
 *
 * @throws {HttpProblem} 400 when it is not UTF-8, 413 when it is too big, 415 for another encoding.
 * @throws {ConnectionDropped} when the client broke off.
 */
export async function readText(c: Context<ApiEnv>, maxBytes = SMALL_BODY_BYTES): Promise<string> {
  const packed = await readBytes(c, maxBytes);
  const bytes = await unpack(packed, c.req.header('content-encoding'), maxBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HttpProblem(400, 'invalid_request', 'the body is not UTF-8');
  }
}

/**
 * The body as JSON; undefined when it is empty.
 *
 * @throws {HttpProblem} as {@link readText}, and 400 when it is not JSON.
 */
export async function readJson(c: Context<ApiEnv>, maxBytes = SMALL_BODY_BYTES): Promise<unknown> {
  const text = await readText(c, maxBytes);
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new HttpProblem(400, 'invalid_request', 'the body is not JSON');
  }
}

async function readBytes(c: Context<ApiEnv>, maxBytes: number): Promise<Uint8Array> {
  if (Number(c.req.header('content-length') ?? 0) > maxBytes) throw tooBig(maxBytes);
  const body = c.req.raw.body as AsyncIterable<Uint8Array> | null;
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > maxBytes) throw tooBig(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    // The client broke off: nobody is there to be answered.
    throw c.req.raw.signal.aborted ? new ConnectionDropped() : error;
  }
  return Buffer.concat(chunks, size);
}

async function unpack(
  bytes: Uint8Array,
  encoding: string | undefined,
  maxBytes: number,
): Promise<Uint8Array> {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity' || name === '') return bytes;
  if (name !== 'gzip' && name !== 'x-gzip') {
    throw new HttpProblem(415, 'unsupported_encoding', 'send the body as it is, or gzip');
  }
  try {
    return await gunzipAsync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE')
      throw tooBig(maxBytes);
    throw new HttpProblem(400, 'invalid_request', 'the body is not gzip, though its encoding says so');
  }
}

function tooBig(maxBytes: number): HttpProblem {
  return new HttpProblem(413, 'too_large', `the body is bigger than ${maxBytes} bytes`);
}

/** What a check found wrong: where (`events[3].direction`) and what. Never says what was sent: it may be a secret. */
export type Flaw = { readonly path: string; readonly message: string };

/** Checks `input`; schema messages are phrases that fit after "must be". */
export function check<TSchema extends v.GenericSchema>(
  schema: TSchema,
  input: unknown,
): { readonly value: v.InferOutput<TSchema> } | { readonly flaw: Flaw } {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return { value: result.output };
  const [issue] = result.issues;
  const path = (issue.path ?? []).reduce((text, item) => text + step(item.key, text === ''), '');
  const name = path === '' ? 'the body' : path;
  const isMissing = issue.received === 'undefined' && path !== '';
  return { flaw: { path, message: isMissing ? `${name} is missing` : `${name} must be ${issue.message}` } };
}

/**
 * As {@link check}, for who answers as OAuth does.
 *
 * @throws {OAuthError} `invalid_request`.
 */
export function checkOAuth<TSchema extends v.GenericSchema>(
  schema: TSchema,
  input: unknown,
): v.InferOutput<TSchema> {
  const result = check(schema, input);
  if ('flaw' in result) throw new OAuthError('invalid_request', result.flaw.message);
  return result.value;
}

function step(key: unknown, isFirst: boolean): string {
  if (typeof key === 'number') return `[${key}]`;
  return isFirst ? String(key) : `.${String(key)}`;
}
