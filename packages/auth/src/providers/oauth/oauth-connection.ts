import { DpopNonces } from '../../dpop-nonces.js';
import type { RevocableToken, TokenGrant, TokenRequest } from '../../ports.js';
import { isMarkup } from '../../portal-page.js';
import type { Secret } from '../../secret.js';
import { noAnswerError } from '../no-answer.js';
import { endpointRequest } from './grant-requests.js';
import { IssuerMetadata } from './issuer-metadata.js';
import { IssuerWire, type OAuthLibrary } from './issuer-wire.js';
import { newProofKey } from './new-proof-key.js';
import { oauthRefusalError } from './oauth-refusal.js';
import type { OAuthSettings } from './oauth-settings.js';
import { TokenEndpoint } from './token-endpoint.js';

/** One client's connection to one issuer: what is loaded when the first request is sent. */
export class OAuthConnection {
  readonly wire: IssuerWire;
  readonly metadata: IssuerMetadata;
  readonly endpoint: TokenEndpoint;

  constructor(library: OAuthLibrary, settings: OAuthSettings) {
    this.wire = new IssuerWire(library, settings);
    this.metadata = new IssuerMetadata(this.wire);
    this.endpoint = new TokenEndpoint(this.wire, this.metadata, new DpopNonces());
  }

  /** As `TokenProvider.createProofKey`. */
  async createProofKey(): Promise<Secret | undefined> {
    return newProofKey(await this.metadata.get(), this.wire.settings);
  }

  async requestToken(request: TokenRequest): Promise<TokenGrant> {
    const grant = await this.endpoint.request(await endpointRequest(request, this.wire));
    if (request.grantType === 'refresh_token') return grant;
    // What mints is always at hand: a refresh token beside it would only be one more thing to lose.
    const { token, clockSkewMs } = grant;
    return { token, ...(clockSkewMs !== undefined && { clockSkewMs }) };
  }

  /**
   * As `OAuthProvider.revoke`.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.1 | RFC 7009 §2.1}
   */
  async revoke({ token, kind }: RevocableToken): Promise<void> {
    const { library } = this.wire;
    const { url, server, auth } = await this.endpoint.open('revocation_endpoint', 'it ends no tokens early');
    const answer = await this.wire.read(
      url.origin,
      library.revocationRequest(server, this.wire.client(), auth, token.reveal(), {
        additionalParameters: { token_type_hint: kind },
        ...this.wire.sending(),
      }),
    );
    const { status, text } = answer;
    const isTaken = status >= 200 && status < 300;
    if (isTaken && isMarkup(text))
      throw noAnswerError(url.origin, { asked: 'the revocation of a token', lacks: 'answer' }, { status });
    if (isTaken) return;
    throw oauthRefusalError({
      answer,
      origin: url.origin,
      what: 'to revoke a token',
      secrets: [token.reveal()],
    });
  }
}
