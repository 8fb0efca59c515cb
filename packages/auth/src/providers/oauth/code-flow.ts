import { randomUUID } from 'node:crypto';
import type { AuthorizationServer } from 'oauth4webapi';
import { sleep } from '../../clock.js';
import type { TokenGrant } from '../../ports.js';
import type { Login } from '../../store-login.js';
import { TokenRequestError } from '../../token-request-error.js';
import { mayHaveBeenDone } from '../../try-later-status.js';
import { codeIn } from './authorization-answer.js';
import { scopeParameter, targetParameters, type Parameter } from './grant-requests.js';
import { loginScopes } from './login-scopes.js';
import type { OAuthConnection } from './oauth-connection.js';

/** How often the exchange of a code is sent again, where it was certainly not carried out. */
const MAX_RETRIES = 2;
/** The wait before that, in milliseconds. */
const RETRY_MS = 1_000;
/** A longer `Retry-After` is not waited for, in milliseconds: the code would have ended. */
const LONGEST_EXCHANGE_WAIT_MS = 10_000;

/** What a login by authorization code is asked for with. */
export type CodeRequest = {
  readonly scopes?: readonly string[] | undefined;
  readonly prompt?: string | undefined;
};

/**
 * One login by authorization code: the link, and what is made of the answer.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-4.1 | RFC 6749 §4.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc7636 | RFC 7636}
 */
export class CodeFlow {
  readonly #connection: OAuthConnection;
  readonly #server: AuthorizationServer;
  readonly #endpoint: URL;
  readonly #scopes: readonly string[];
  readonly #prompt: string | undefined;
  readonly #state: string;
  readonly #verifier: string;
  readonly #challenge: string;

  private constructor(
    connection: OAuthConnection,
    at: { readonly url: URL; readonly server: AuthorizationServer },
    { scopes, prompt }: CodeRequest,
    pkce: { readonly verifier: string; readonly challenge: string },
  ) {
    this.#connection = connection;
    this.#server = at.server;
    this.#endpoint = at.url;
    this.#scopes = loginScopes(scopes ?? connection.wire.settings.scopes, at.server);
    // Without a person's yes nobody may be given offline access: OpenID Connect Core §11.
    this.#prompt = prompt ?? (this.#scopes.includes('offline_access') ? 'consent' : undefined);
    this.#state = connection.wire.library.generateRandomState();
    this.#verifier = pkce.verifier;
    this.#challenge = pkce.challenge;
  }

  /** @throws {AuthError} `KM_AUTH_CONFIGURATION` when the issuer has no page to log in at. */
  static async prepare(connection: OAuthConnection, request: CodeRequest): Promise<CodeFlow> {
    const { library } = connection.wire;
    const at = await connection.endpoint.open(
      'authorization_endpoint',
      'nobody can log in there with a browser',
    );
    const verifier = library.generateRandomCodeVerifier();
    const challenge = await library.calculatePKCECodeChallenge(verifier);
    return new CodeFlow(connection, at, request, { verifier, challenge });
  }

  /** The link that a person opens. */
  url(redirectUri: string): string {
    const { settings } = this.#connection.wire;
    const url = new URL(this.#endpoint);
    const parameters: readonly Parameter[] = [
      ['response_type', 'code'],
      ['client_id', settings.clientId],
      ['redirect_uri', redirectUri],
      ...scopeParameter(this.#scopes),
      ...targetParameters(settings.tokenIssuer.target),
      ...(this.#prompt === undefined ? [] : [['prompt', this.#prompt] as const]),
      ['state', this.#state],
      ['code_challenge', this.#challenge],
      ['code_challenge_method', 'S256'],
    ];
    for (const [name, value] of parameters) url.searchParams.append(name, value);
    return url.href;
  }

  /** Whether an answer is that to this link: whoever cannot know the state did not get it from the issuer. */
  isAnswer(parameters: URLSearchParams): boolean {
    return parameters.get('state') === this.#state;
  }

  /**
   * Gets the tokens for an answer.
   *
   * @throws {AuthError} what the issuer said; `KM_AUTH_CONFIGURATION` when the answer is of another issuer.
   */
  async redeem(parameters: URLSearchParams, redirectUri: string): Promise<Login> {
    const code = codeIn(parameters, this.#state, this.#connection.wire, this.#server);
    const grant = await this.#exchange(code, redirectUri);
    return { id: randomUUID(), grant, askedScopes: this.#scopes };
  }

  /** A code is good once, and one that is used twice ends what it won: it is sent again only where it was certainly not used. */
  async #exchange(code: string, redirectUri: string): Promise<TokenGrant> {
    const { settings } = this.#connection.wire;
    for (let retries = 0; ; retries += 1) {
      try {
        return await this.#connection.endpoint.request({
          grantType: 'authorization_code',
          parameters: [
            ['code', code],
            ['redirect_uri', redirectUri],
            ['code_verifier', this.#verifier],
            ...targetParameters(settings.tokenIssuer.target),
          ],
          secrets: [code, this.#verifier],
          isSingleUse: true,
          isLogin: true,
          scopes: this.#scopes,
        });
      } catch (error) {
        if (!(error instanceof TokenRequestError) || !isSafeToRepeat(error)) throw error;
        const { retryAfterMs: restMs = RETRY_MS } = error.failure;
        if (retries === MAX_RETRIES || restMs > LONGEST_EXCHANGE_WAIT_MS) throw error;
        await sleep(settings.clock, restMs);
      }
    }
  }
}

/** Whether the code may do later, and was certainly not used. */
function isSafeToRepeat({ isRetryable, failure }: TokenRequestError): boolean {
  return isRetryable && !mayHaveBeenDone(failure);
}
