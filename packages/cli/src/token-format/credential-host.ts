import { isAuthError, parseEndpoint } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';

/** Whether a server may be given the token. */
export type HostVerdict = 'yes' | 'not-ours' | 'insecure';

const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** `example.com`, `example.com:8443` or a whole URL, as a URL; `undefined` when it is none. */
export function serverUrl(text: string, protocol = 'https'): URL | undefined {
  const whole = HAS_SCHEME.test(text) ? text : `${protocol}://${text}`;
  return URL.canParse(whole) && new URL(whole).host !== '' ? new URL(whole) : undefined;
}

/**
 * The servers that a token goes to when a credential helper is asked: the API's own, and those that the
 * user names.
 */
export class CredentialHosts {
  readonly #named: readonly string[];
  readonly #endpoint: URL;

  /**
   * @param named as `--host` has them: a host, with a port where it is not the usual one.
   * @throws {CliError} for one that is no host.
   */
  constructor(endpoint: string, named: readonly string[] = []) {
    this.#endpoint = parseEndpoint(endpoint);
    this.#named = named;
    for (const host of named) {
      if (!HAS_SCHEME.test(host) && serverUrl(host)?.href === `https://${serverUrl(host)?.host ?? ''}/`)
        continue;
      throw new CliError(
        `--host ${JSON.stringify(host)} is not a host: give one such as git.example.com or git.example.com:8443`,
        { exitCode: EXIT.usage },
      );
    }
  }

  /** What a token may be sent to `asked` means: https, or http to this machine, at a host that is ours. */
  verdictOn(asked: URL): HostVerdict {
    const isOurs =
      asked.host === this.#endpoint.host ||
      this.#named.some((host) => serverUrl(host, asked.protocol.replace(':', ''))?.host === asked.host);
    if (!isOurs) return 'not-ours';
    try {
      parseEndpoint(asked.origin);
      return 'yes';
    } catch (error) {
      if (isAuthError(error)) return 'insecure';
      throw error;
    }
  }

  /** The servers as URLs, the API's own first. */
  list(): readonly string[] {
    return [this.#endpoint.origin, ...this.#named.map((host) => `https://${host}`)];
  }
}
