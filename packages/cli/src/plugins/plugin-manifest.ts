import { isTryLaterStatus, type Clock } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { EXIT, isExplained } from '../exit-code.js';
import { messageOf } from '../message-of.js';
import { startOf } from '../network/start-of-answer.js';

/** A plugin that an account may use, as the API says it: before a person sees it, it is to be cleaned. */
export type PluginEntry = {
  readonly name: string;
  readonly version: string;
  /** The least tier that may use it; `null` where the API does not say. */
  readonly tier: string | null;
  /** Where its archive is. */
  readonly url: string | null;
  /** Of the archive, with the name of the algorithm before it. */
  readonly hash: string | null;
  /** Of the archive, in bytes. */
  readonly size: number | null;
};

export type ManifestOptions = {
  /** The call's URL. */
  readonly url: string;
  /** Sends requests that carry a token for `plugins`. */
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly platform: { readonly os: string; readonly arch: string };
  readonly cliVersion: string;
};

const TIMEOUT_MS = 15_000;
/** What is longer is no answer of the API. */
const MAX_ANSWER_BYTES = 1_048_576;

/**
 * Asks the API which plugins this account may use.
 *
 * @throws {CliError} when the API does not say. @throws {AuthError} when there is no token.
 */
export async function fetchPlugins(options: ManifestOptions): Promise<readonly PluginEntry[]> {
  const { url, clock, platform, cliVersion } = options;
  const giveUp = new AbortController();
  const cancel = clock.schedule(
    () => giveUp.abort(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)),
    TIMEOUT_MS,
    true,
  );
  try {
    const response = await options.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ plugins: [], platform, cliVersion }),
      // Nothing but the account's own origin says what plugins it has.
      redirect: 'manual',
      signal: giveUp.signal,
    });
    const text = await startOf(response, MAX_ANSWER_BYTES);
    if (!response.ok) throw refusal(url, response.status);
    const plugins = pluginsIn(text);
    if (plugins === undefined) throw unreachable(url, 'the answer is not from the Kilometers API');
    return plugins;
  } catch (error) {
    if (isExplained(error)) throw error;
    throw unreachable(url, messageOf(error), error);
  } finally {
    cancel();
  }
}

function refusal(url: string, status: number): CliError {
  if (status === 401 || status === 403) {
    return new CliError(
      `${url} refuses the token (HTTP ${status}): this account may not use plugins, or must log in again; see km auth status`,
      { exitCode: status === 401 ? EXIT.loginRequired : EXIT.failed },
    );
  }
  if (status >= 300 && status < 400)
    return unreachable(
      url,
      `HTTP ${status}: it sends elsewhere, where no token is sent: sign in to the network if it asks for that, or set the endpoint to the address it moved to`,
    );
  if (isTryLaterStatus(status)) return unreachable(url, `HTTP ${status}`);
  return new CliError(`${url} answered HTTP ${status}: check the endpoint with km auth status`, {
    exitCode: EXIT.failed,
  });
}

function unreachable(url: string, why: string, cause?: unknown): CliError {
  return new CliError(`${url} cannot be used now: ${why}; try again later`, {
    exitCode: EXIT.tryLater,
    cause,
  });
}

/** The plugins of an answer; `undefined` when it is none. */
function pluginsIn(text: string): readonly PluginEntry[] | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  const list: unknown =
    typeof body === 'object' && body !== null && 'plugins' in body ? body.plugins : undefined;
  if (!Array.isArray(list)) return undefined;
  return list.flatMap((each: unknown) => {
    if (typeof each !== 'object' || each === null) return [];
    const entry = each as Readonly<Record<string, unknown>>;
    const { name, version, tier, size, url, hash } = entry;
    if (typeof name !== 'string' || name === '' || typeof version !== 'string' || version === '') return [];
    return {
      name,
      version,
      tier: typeof tier === 'string' ? tier : null,
      url: typeof url === 'string' ? url : null,
      hash: typeof hash === 'string' ? hash : null,
      size: typeof size === 'number' && Number.isFinite(size) && size >= 0 ? size : null,
    };
  });
}
