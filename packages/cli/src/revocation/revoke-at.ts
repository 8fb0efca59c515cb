import {
  endsWithItsLogin,
  isAuthError,
  revokeToken,
  type OAuthLogin,
  type RevocableToken,
} from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { isExplained } from '../exit-code.js';
import { transportOf } from '../network/transport.js';

/** Who issued tokens, and ends them. */
export type TokenAuthority = {
  /** Base URL of the Kilometers API. */
  readonly apiEndpoint: string;
  /** The other issuer that it was, and the client that won them. */
  readonly oauth?: Pick<OAuthLogin, 'provider' | 'clientSecret'>;
};

/** `later`: it cannot be told now. An object: it never can, and why. */
export type Told = 'told' | 'later' | { readonly why: string };

/**
 * Tells who issued a token to end it.
 *
 * @param tokens all that are being ended, one after the other: a refresh token first.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.1 | RFC 7009 §2.1}
 */
export async function revokeAt(
  { apiEndpoint, oauth }: TokenAuthority,
  token: RevocableToken,
  tokens: readonly RevocableToken[],
  context: CommandContext,
): Promise<Told> {
  try {
    if (oauth === undefined) {
      const isTold = await revokeToken(token, { apiEndpoint, transport: transportOf(context) });
      return isTold ? 'told' : 'later';
    }
    const { providerOfLogin } = await import('../oauth/open-provider.js');
    await providerOfLogin(oauth, context).revoke(token);
    return 'told';
  } catch (error) {
    if (endsWithItsLogin(error, token, tokens)) return 'told';
    if (isAuthError(error) && error.isRetryable) return 'later';
    if (!isExplained(error)) throw error;
    return { why: error.message };
  }
}
