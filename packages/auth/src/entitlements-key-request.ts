import type { IncomingMessage } from 'node:http';
import type { JSONWebKeySet } from 'jose';
import { AuthError } from './auth-error.js';
import type { Clock } from './clock.js';
import { countSeenTime } from './seen-time.js';
import { isTryLaterStatus } from './try-later-status.js';

/** A question for the API's public keys. */
export type KeyRequest = {
  readonly url: URL;
  /** How long the whole answer may take, in milliseconds in which it could be seen: not while the process is stopped. */
  readonly timeoutMs: number;
  readonly clock: Clock;
};

/** The largest key set that is read, in bytes: 256 KiB. */
const MAX_KEY_SET_BYTES = 262_144;
/** More keys than this is no key set that anybody rotates through. */
const MAX_KEYS = 100;

function unreachable(url: URL, what: string, cause?: unknown): AuthError {
  return new AuthError(
    'KM_AUTH_UNREACHABLE',
    `the public keys of ${url.origin} cannot be had: ${what}; check the network, or try again later`,
    { cause },
  );
}

async function readBody(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_KEY_SET_BYTES)
      throw new Error(`the answer is larger than ${String(MAX_KEY_SET_BYTES)} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function get({ url, timeoutMs, clock }: KeyRequest): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { request: send } = process.getBuiltinModule(
      url.protocol === 'https:' ? 'node:https' : 'node:http',
    );
    // Whoever asks for no encoding in particular may be sent any: RFC 9110 §12.5.3.
    const headers = { accept: 'application/json', 'accept-encoding': 'identity' };
    const outgoing = send(url, { agent: false, headers });
    const stopCounting = countSeenTime(clock, timeoutMs, () => {
      fail(new Error(`no whole answer within ${String(timeoutMs)} ms`));
    });
    const fail = (error: unknown): void => {
      stopCounting();
      outgoing.destroy();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    outgoing.on('error', fail);
    outgoing.on('response', (answer) => {
      readBody(answer).then((text) => {
        stopCounting();
        resolve({ status: answer.statusCode ?? 0, text });
      }, fail);
    });
    outgoing.end();
  });
}

function parseKeySet(text: string): JSONWebKeySet | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null || !('keys' in body)) return undefined;
    const { keys } = body;
    const isKeySet =
      Array.isArray(keys) &&
      keys.length <= MAX_KEYS &&
      keys.every((key: unknown) => typeof key === 'object' && key !== null && 'kty' in key);
    return isKeySet ? (body as JSONWebKeySet) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Asks for the public keys once. Follows nothing: keys that another address vouches for are not the API's.
 *
 * @throws {AuthError} `KM_AUTH_UNREACHABLE` when trying again later may work; `KM_AUTH_CONFIGURATION` when
 *   there are no keys at this address.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7517#section-5 | RFC 7517 §5}
 */
export async function requestKeySet(request: KeyRequest): Promise<JSONWebKeySet> {
  const { url } = request;
  let answer: { readonly status: number; readonly text: string };
  try {
    answer = await get(request);
  } catch (error) {
    throw unreachable(
      url,
      error instanceof Error && error.message !== '' ? error.message : 'no answer',
      error,
    );
  }
  const { status, text } = answer;
  if (status >= 400 && status < 500 && !isTryLaterStatus(status)) {
    throw new AuthError(
      'KM_AUTH_CONFIGURATION',
      `${url.origin} has no public keys at ${url.pathname} (status ${String(status)}): check the API endpoint`,
    );
  }
  if (status !== 200) throw unreachable(url, `status ${String(status)}`);
  const keySet = parseKeySet(text);
  if (keySet === undefined) throw unreachable(url, 'the answer is no key set');
  return keySet;
}
