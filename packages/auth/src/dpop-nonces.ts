/** The answer of a server. */
type Answer = { readonly headers: Pick<Headers, 'get'> };

/**
 * The nonce that each server told last. One server's nonce is nothing to another.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-8.2 | RFC 9449 §8.2}
 */
export class DpopNonces {
  readonly #byOrigin = new Map<string, string>();

  of(origin: string): string | undefined {
    return this.#byOrigin.get(origin);
  }

  /** Remembers what an answer tells, whatever its status. */
  learn(origin: string, { headers }: Answer): void {
    const nonce = headers.get('dpop-nonce');
    if (nonce !== null && nonce !== '') this.#byOrigin.set(origin, nonce);
  }
}

/** Whether a protected resource wants a proof with its latest nonce, which is no word against the token (RFC 9449 §9). */
export function wantsNonce({ headers }: Answer): boolean {
  return /\berror="?use_dpop_nonce\b/i.test(headers.get('www-authenticate') ?? '');
}
