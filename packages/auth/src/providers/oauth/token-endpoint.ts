import type { AuthorizationServer, ClientAuth, DPoPHandle } from 'oauth4webapi';
import { AuthError } from '../../auth-error.js';
import type { TokenGrant } from '../../ports.js';
import type { Secret } from '../../secret.js';
import { TokenRequestError } from '../../token-request-error.js';
import { parseTokenAnswer } from '../token-answer.js';
import { clientAuthenticator } from './client-authenticator.js';
import type { DpopKeys } from './dpop-keys.js';
import { endpointOf, type IssuerMetadata, type SecretEndpoint } from './issuer-metadata.js';
import type { IssuerWire, WireAnswer } from './issuer-wire.js';
import { oauthRefusalError, saysError } from './oauth-refusal.js';

/** A request to a token endpoint. */
export type EndpointRequest = {
  /** What the wire calls the grant. */
  readonly grantType: string;
  readonly parameters: readonly (readonly [string, string])[];
  /** Texts in it that must not come back in a message. */
  readonly secrets: readonly string[];
  /** What is sent is good once. */
  readonly isSingleUse: boolean;
  /** The scopes asked for: granted unless the answer says otherwise. */
  readonly scopes: readonly string[];
  /** The key to which the answer's tokens are to be bound, where there is one already. */
  readonly proofKey?: Secret | undefined;
};

/** A body, and the answer it is of. */
export type EndpointAnswer = { readonly grant: TokenGrant; readonly text: string };

/** The issuer wants a proof with its latest nonce: twice, for it may change between. */
const MAX_NONCES = 2;

/** Answers that say `use_dpop_nonce`, with the nonce to use. */
function wantsNonce(answer: WireAnswer): boolean {
  return (
    (answer.status === 400 || answer.status === 401) &&
    answer.headers.has('dpop-nonce') &&
    answer.text.includes('"use_dpop_nonce"')
  );
}

/** An issuer's endpoints, as one client asks them. */
export class TokenEndpoint {
  readonly #wire: IssuerWire;
  readonly #metadata: IssuerMetadata;
  readonly #keys: DpopKeys;

  constructor(wire: IssuerWire, metadata: IssuerMetadata, keys: DpopKeys) {
    this.#wire = wire;
    this.#metadata = metadata;
    this.#keys = keys;
  }

  /**
   * An endpoint, the server and who asks.
   *
   * @throws {AuthError} `KM_AUTH_CONFIGURATION` when the server has no such endpoint.
   */
  async open(
    name: SecretEndpoint,
    why: string,
  ): Promise<{ readonly url: URL; readonly server: AuthorizationServer; readonly auth: ClientAuth }> {
    const { library, settings } = this.#wire;
    const server = await this.#metadata.get();
    const url = endpointOf(server, name);
    if (url === undefined)
      throw new AuthError(
        'KM_AUTH_CONFIGURATION',
        `${server.issuer} has no ${name}: ${why}; if it has one that it does not publish, give it by hand`,
      );
    const auth = await clientAuthenticator(library, settings.clientAuthentication, server);
    return { url, server, auth };
  }

  /**
   * @throws {TokenRequestError} as `TokenProvider.requestToken`.
   */
  async request(request: EndpointRequest): Promise<EndpointAnswer> {
    const { settings } = this.#wire;
    const { url, server, auth } = await this.open('token_endpoint', 'no token can be had from it');
    const proofKey = await this.#keys.keyFor(server, request.proofKey);
    const handle = proofKey === undefined ? undefined : await this.#keys.handleOf(proofKey);
    let answer: WireAnswer;
    for (let nonces = 0; ; nonces += 1) {
      answer = await this.#send(url, server, auth, request, handle);
      if (handle === undefined || nonces === MAX_NONCES || !wantsNonce(answer)) break;
    }
    const refused = { answer, origin: url.origin, what: `the ${request.grantType} grant` };
    if (answer.status < 200 || answer.status >= 300 || saysError(answer.text))
      throw oauthRefusalError({ ...refused, secrets: [...request.secrets, ...this.#ownSecrets()] });
    const grant = parseTokenAnswer(answer.text, {
      receivedAtMs: answer.receivedAtMs,
      requestedScopes: request.scopes,
      clockSkewMs: answer.skewMs,
      proofKey,
    });
    if (grant === undefined) {
      throw new TokenRequestError(
        'KM_AUTH_UNREACHABLE',
        `${url.origin} answered the ${request.grantType} grant with something that is no token: the network may ask to sign in first (a captive portal); try again later`,
        { status: answer.status, isAnswerLost: true },
      );
    }
    if (settings.dpop === true && grant.token.proofKey === undefined) {
      throw new AuthError(
        'KM_AUTH_CONFIGURATION',
        `${url.origin} answered with a token that is bound to no key, though dpop was asked for: switch it on at the server, or do not ask for it`,
      );
    }
    return { grant, text: answer.text };
  }

  #send(
    url: URL,
    server: AuthorizationServer,
    auth: ClientAuth,
    request: EndpointRequest,
    handle: DPoPHandle | undefined,
  ): Promise<WireAnswer> {
    const { library } = this.#wire;
    return this.#wire.read(
      url.origin,
      library.genericTokenEndpointRequest(
        server,
        this.#wire.client(),
        auth,
        request.grantType,
        request.parameters.map(([name, value]) => [name, value]),
        {
          ...(handle !== undefined && { DPoP: handle }),
          ...this.#wire.sending(request.isSingleUse),
        },
      ),
    );
  }

  #ownSecrets(): readonly string[] {
    const { clientAuthentication } = this.#wire.settings;
    if (!('clientSecret' in clientAuthentication)) return [];
    const { clientSecret } = clientAuthentication;
    return [typeof clientSecret === 'string' ? clientSecret : clientSecret.reveal()];
  }
}
