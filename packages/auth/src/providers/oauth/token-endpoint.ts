import type { AuthorizationServer, ClientAuth } from 'oauth4webapi';
import { AuthError } from '../../auth-error.js';
import type { DpopNonces } from '../../dpop-nonces.js';
import { createProof } from '../../dpop-proof.js';
import type { TokenGrant } from '../../ports.js';
import type { Secret } from '../../secret.js';
import { isTryLaterStatus } from '../../try-later-status.js';
import { TokenRequestError } from '../../token-request-error.js';
import { failureIn, noTokenError } from '../no-token.js';
import { parseTokenAnswer } from '../token-answer.js';
import { oauthBody } from '../token-refusal.js';
import { clientAuthenticator } from './client-authenticator.js';
import { endpointOf, type SecretEndpoint } from './issuer-endpoints.js';
import type { IssuerMetadata } from './issuer-metadata.js';
import type { IssuerWire, WireAnswer } from './issuer-wire.js';
import { newProofKey } from './new-proof-key.js';
import { oauthRefusalError, saysError } from './oauth-refusal.js';

/** A request to a token endpoint. */
export type EndpointRequest = {
  /** What the wire calls the grant. */
  readonly grantType: string;
  readonly parameters: readonly (readonly [string, string])[];
  /** Texts in it that must not come back in a message. */
  readonly secrets: readonly string[];
  /** Signs what goes along as `assertion`, by the issuer's time as far as it is known then. */
  readonly signAssertion?: ((tokenEndpoint: URL) => Promise<string>) | undefined;
  /** What is sent is good once. */
  readonly isSingleUse: boolean;
  /** The scopes asked for: granted unless the answer says otherwise. */
  readonly scopes: readonly string[];
  /** The key to which the answer's tokens are to be bound, where there is one already. */
  readonly proofKey?: Secret | undefined;
  /** What is sent was won by a person who has just logged in. Default false. */
  readonly isLogin?: boolean;
};

/** Twice again, for a nonce may change between. */
const MAX_SIGNINGS = 3;

/** Clocks are read to the second: a difference that is less than this is no news, in milliseconds. */
const CLOCK_NEWS_MS = 10_000;

/** What was known of the issuer when a request was signed. */
type Signing = { readonly nonce: string | undefined; readonly offsetMs: number };

/**
 * Whether what was refused would now be signed with what it lacked: the latest nonce, or the right time. Both are looked
 * at before anything that is good once is used up.
 *
 * @param hasAssertion it had one: that its time is wrong is said as `invalid_grant` (RFC 7523 §3.1).
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-8 | RFC 9449 §8}
 */
function isSignedBetterNow(
  { status, text }: WireAnswer,
  before: Signing,
  now: Signing,
  hasAssertion: boolean,
): boolean {
  if (status < 400 || isTryLaterStatus(status)) return false;
  const { error } = oauthBody(text, []);
  if (error === 'use_dpop_nonce') return now.nonce !== before.nonce;
  const isOfTime =
    error === 'invalid_dpop_proof' ||
    error === 'invalid_client' ||
    (hasAssertion && error === 'invalid_grant');
  return isOfTime && Math.abs(now.offsetMs - before.offsetMs) > CLOCK_NEWS_MS;
}

function withAssertion(request: EndpointRequest, assertion: string | undefined): EndpointRequest {
  if (assertion === undefined) return request;
  return { ...request, parameters: [['assertion', assertion], ...request.parameters] };
}

/** Whether a refresh asks for some of what its login serves. */
function isNarrowed({ grantType, parameters }: EndpointRequest): boolean {
  return (
    grantType === 'refresh_token' &&
    parameters.some(([name]) => ['scope', 'resource', 'audience'].includes(name))
  );
}

/** An issuer's endpoints, as one client asks them. */
export class TokenEndpoint {
  readonly #wire: IssuerWire;
  readonly #metadata: IssuerMetadata;
  readonly #nonces: DpopNonces;

  constructor(wire: IssuerWire, metadata: IssuerMetadata, nonces: DpopNonces) {
    this.#wire = wire;
    this.#metadata = metadata;
    this.#nonces = nonces;
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
   * Asks for tokens; once more where what was refused can be signed better now.
   *
   * @throws {TokenRequestError} as `TokenProvider.requestToken`.
   */
  async request(request: EndpointRequest): Promise<TokenGrant> {
    const { settings } = this.#wire;
    const { url, server, auth } = await this.open('token_endpoint', 'no token can be had from it');
    const proofKey = request.proofKey ?? newProofKey(server, settings);
    const secrets = [...request.secrets, ...this.#ownSecrets()];
    let answer: WireAnswer;
    for (let signings = 1; ; signings += 1) {
      const before = this.#signing(url);
      const assertion = await request.signAssertion?.(url);
      if (assertion !== undefined) secrets.push(assertion);
      answer = await this.#send(url, server, auth, { ...withAssertion(request, assertion), proofKey });
      this.#nonces.learn(url.origin, answer);
      if (signings === MAX_SIGNINGS) break;
      if (!isSignedBetterNow(answer, before, this.#signing(url), assertion !== undefined)) break;
    }
    const { mints } = settings.tokenIssuer;
    const refused = {
      answer,
      origin: url.origin,
      what: `the ${request.grantType} grant`,
      isMinting: request.grantType === mints?.grantType,
      // What mints replaces a refresh token that is refused, whatever for.
      isNarrowed: mints === undefined && isNarrowed(request),
    };
    if (answer.status < 200 || answer.status >= 300 || saysError(answer.text))
      throw oauthRefusalError({ ...refused, secrets });
    const grant = parseTokenAnswer(answer.text, {
      receivedAtMs: answer.receivedAtMs,
      requestedScopes: request.scopes,
      clockSkewMs: answer.skewMs,
      proofKey,
      isLogin: request.isLogin,
    });
    if (grant === undefined) throw noTokenError(url.origin, request.grantType, answer);
    if (settings.dpop === true && grant.token.proofKey === undefined) {
      throw new TokenRequestError(
        'KM_AUTH_CONFIGURATION',
        `${url.origin} answered with a token that is bound to no key, though dpop was asked for: switch it on at the server, or do not ask for it`,
        failureIn(request.grantType, answer),
      );
    }
    return grant;
  }

  #signing(url: URL): Signing {
    return { nonce: this.#nonces.of(url.origin), offsetMs: this.#wire.issuerOffsetMs };
  }

  #send(
    url: URL,
    server: AuthorizationServer,
    auth: ClientAuth,
    request: EndpointRequest,
  ): Promise<WireAnswer> {
    const { library } = this.#wire;
    const { proofKey } = request;
    const nonce = this.#nonces.of(url.origin);
    const proof = { method: 'POST', url, nonce, nowMs: this.#wire.issuerNowMs() };
    return this.#wire.read(
      url.origin,
      library.genericTokenEndpointRequest(
        server,
        this.#wire.client(),
        auth,
        request.grantType,
        request.parameters.map(([name, value]) => [name, value]),
        {
          ...(proofKey !== undefined && { headers: { dpop: createProof(proofKey, proof) } }),
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
