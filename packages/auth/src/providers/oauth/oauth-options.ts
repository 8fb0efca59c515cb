import type { AuthToken } from '../../auth-token.js';
import type { Clock } from '../../clock.js';
import type { DocumentStore } from '../../ports.js';
import type { Secret } from '../../secret.js';
import type { HttpTransport } from '../http-transport.js';

/** Endpoints given by hand: where an issuer publishes none, or wrong ones. URLs: https, or http to loopback. */
export type OAuthEndpoints = {
  /** With it nothing is discovered. */
  readonly token?: string | undefined;
  readonly authorization?: string | undefined;
  readonly deviceAuthorization?: string | undefined;
  readonly revocation?: string | undefined;
  readonly introspection?: string | undefined;
};

/**
 * How the client shows who it is.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-2.3 | RFC 6749 §2.3}
 */
export type ClientAuthentication =
  /** A public client: it has an id and nothing to prove it with. */
  | { readonly method: 'none' }
  /** `client_secret`: by whichever of the two the issuer takes, basic where it takes both or does not say. */
  | {
      readonly method: 'client_secret' | 'client_secret_basic' | 'client_secret_post';
      readonly clientSecret: string | Secret;
    }
  /** A JWT signed with the client's key (RFC 7523 §2.2). */
  | ({ readonly method: 'private_key_jwt' } & SigningKey & {
        /** The JWT's `aud`. Default: the issuer. Some servers want the URL of their token endpoint. */
        readonly audience?: string | undefined;
      })
  /** A client certificate (RFC 8705 §2). Files in PEM, read anew for each request. */
  | {
      readonly method: 'tls_client_auth';
      readonly certificateFile: string;
      readonly keyFile: string;
      /** Whom to trust as the server's issuer, besides the system's. */
      readonly caFile?: string | undefined;
    };

/** A private key in a file, read anew for each use: PEM, a JWK, or the JSON of a Google service account. */
export type SigningKey = {
  readonly keyFile: string;
  /** `alg`. Default: by the key: RS256, ES256, ES384, ES512 or Ed25519. */
  readonly algorithm?: string | undefined;
  /** `kid`. Default: what the file says, if it does. */
  readonly keyId?: string | undefined;
};

/** A grant that mints tokens without a login. */
export type OAuthGrant =
  /** By how the client authenticates: [RFC 6749 §4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4). */
  | { readonly type: 'client_credentials' }
  /** By an assertion that a key has signed: [RFC 7523 §2.1](https://www.rfc-editor.org/rfc/rfc7523#section-2.1). */
  | ({ readonly type: 'jwt_bearer' } & SigningKey & {
        /** `iss`. Default: what the file says, otherwise the client's id. */
        readonly assertionIssuer?: string | undefined;
        /** `sub`: whom the token is for. Default: the same as `iss`. */
        readonly subject?: string | undefined;
        /** `aud`. Default: the token endpoint. */
        readonly assertionAudience?: string | undefined;
        /** Whether scopes are said in the assertion, as Google wants it, or in the request. Default `request`. */
        readonly scopesIn?: 'assertion' | 'request' | undefined;
      })
  /** By another token: [RFC 8693 §2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.1). */
  | {
      readonly type: 'token_exchange';
      /** Brings the token that is exchanged, as in `() => manager.getValidToken()`. Asked for each exchange. */
      readonly subjectToken: () => Promise<AuthToken | Secret>;
      /** Whose that token is: what was won for one is never given to another. */
      readonly subjectId: string;
      /** Default `urn:ietf:params:oauth:token-type:access_token`. */
      readonly subjectTokenType?: string | undefined;
      /** Brings the token of the party that acts for the subject. */
      readonly actorToken?: (() => Promise<AuthToken | Secret>) | undefined;
      /** Who that party is: what was won with one is never given to another. Needed with `actorToken`. */
      readonly actorId?: string | undefined;
      readonly actorTokenType?: string | undefined;
      readonly requestedTokenType?: string | undefined;
    };

/** What an OAuth provider is made from. */
export type OAuthProviderOptions = {
  /** Who issues the tokens, as a URL. What it offers is discovered. Needed unless `endpoints` has `token`. */
  readonly issuer?: string | undefined;
  /** Endpoints that are not discovered. Default: none. */
  readonly endpoints?: OAuthEndpoints | undefined;
  /** As the issuer knows the client (RFC 6749 §2.2). */
  readonly clientId: string;
  /** Default: none, a public client. */
  readonly clientAuthentication?: ClientAuthentication | undefined;
  /** What is asked for at a login, and for a token of scope `default`. Default: what the issuer gives. */
  readonly scopes?: readonly string[] | undefined;
  /** APIs that the tokens are for, as URIs (RFC 8707). */
  readonly resources?: readonly string[] | undefined;
  /** The same, for issuers that know an audience instead. */
  readonly audience?: string | undefined;
  /** How tokens are minted without a login. Default: not at all. */
  readonly grant?: OAuthGrant | undefined;
  /**
   * Tokens bound to a key (RFC 9449): always, where the issuer offers it, or not. Default false. The key is kept with
   * the grant; `createAuthenticatedClient` sends a proof with each request.
   */
  readonly dpop?: boolean | 'if-offered' | undefined;
  /** Where what was discovered is kept between processes. Default: in memory. */
  readonly documents?: DocumentStore | undefined;
  /** How long a request that can be repeated may take, in milliseconds, 1 to 86 400 000. Default 10 000. */
  readonly requestTimeoutMs?: number | undefined;
  /**
   * How long the answer to what is good once is waited for, in milliseconds, 1 to 86 400 000. Default 90 000, or
   * `requestTimeoutMs` where that is more.
   */
  readonly answerTimeoutMs?: number | undefined;
  /** What sends the requests. Default: Node's own http and https, one connection a request. */
  readonly fetch?: typeof fetch | undefined;
  /** The same, in the shape that the library's own have; goes before `fetch`. */
  readonly transport?: HttpTransport | undefined;
  /** Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
};
