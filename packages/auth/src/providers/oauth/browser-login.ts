import type { Clock } from '../../clock.js';
import type { Login } from '../../store-login.js';
import { TokenRequestError } from '../../token-request-error.js';
import { whenAborted } from '../../when-aborted.js';
import { grantedOrAborted, loginAborted } from '../login-abort.js';
import {
  ANOTHER_LOGIN,
  ANSWERED_BEFORE,
  LOGGED_IN,
  NOT_LOGGED_IN,
  type CallbackPage,
} from './callback-page.js';
import { CodeFlow } from './code-flow.js';
import { LoopbackServer } from './loopback-server.js';
import type { OAuthConnection } from './oauth-connection.js';
import { DEFAULT_REDIRECT_URI, parseRedirectUri } from './redirect-uri.js';

/** What a login in the browser of this machine asks for, and how patiently. */
export type BrowserLoginOptions = {
  /** What the login is for. Default: the provider's scopes; else `openid` and `offline_access`, where the issuer knows them. */
  readonly scopes?: readonly string[] | undefined;
  /** Where the browser comes back to, on this machine; at any free port where it names none. Default `http://127.0.0.1/callback`. */
  readonly redirectUri?: string | undefined;
  /** OpenID's `prompt`. Default `consent` where `offline_access` is asked for, which needs it; else none. */
  readonly prompt?: string | undefined;
  /** How long the person may take, in milliseconds. Default 300 000. */
  readonly timeoutMs?: number | undefined;
  /** Is told that an answer came that belongs to another login, or none, and was not used. */
  readonly onForeignAnswer?: (() => void) | undefined;
};

/** A login that waits for a person in a browser on this machine. */
export type BrowserLogin = {
  /** Where the person goes. */
  readonly url: string;
  /** Where the browser comes back to. */
  readonly redirectUri: string;
  /**
   * Waits until the person has answered, and gets the tokens. `signal` ends it; tokens that are being fetched then are
   * waited for up to 2 s, so that no login that was just granted is lost.
   *
   * @throws {AuthError} `KM_AUTH_GRANT_REJECTED` when the person refused, or took too long; `KM_AUTH_ABORTED` when
   *   `signal` ended it; `KM_AUTH_CONFIGURATION` when the issuer refused, or another one answered.
   */
  wait(options?: { readonly signal?: AbortSignal }): Promise<Login>;
  /** Gives it up where nobody waits. */
  close(): Promise<void>;
};

const TIMEOUT_MS = 300_000;

/** Starts a login by authorization code with PKCE: shows nothing and opens nothing, that is its caller's part. */
export async function startBrowserLogin(
  connection: OAuthConnection,
  options: BrowserLoginOptions,
): Promise<BrowserLogin> {
  const { clock } = connection.wire.settings;
  const { timeoutMs = TIMEOUT_MS, redirectUri = DEFAULT_REDIRECT_URI } = options;
  const wanted = parseRedirectUri(redirectUri);
  const answer = new BrowserAnswer(await CodeFlow.prepare(connection, options), options.onForeignAnswer);
  const server = await LoopbackServer.listen(wanted, (parameters) => answer.receive(parameters), clock);
  answer.redirectUri = server.redirectUri;
  const startedAtMs = clock.monotonicMs();
  return {
    url: answer.flow.url(server.redirectUri),
    redirectUri: server.redirectUri,
    async wait({ signal } = {}) {
      try {
        return await answer.wait(clock, startedAtMs + timeoutMs - clock.monotonicMs(), signal);
      } finally {
        await server.close();
      }
    },
    close: () => server.close(),
  };
}

/** The answer that a browser brings, once. */
class BrowserAnswer {
  readonly flow: CodeFlow;
  /** What the issuer was told. */
  redirectUri = '';
  readonly #onForeign: (() => void) | undefined;
  readonly #login: Promise<Login>;
  #resolve: (login: Promise<Login>) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #isReceived = false;

  constructor(flow: CodeFlow, onForeign: (() => void) | undefined) {
    this.flow = flow;
    this.#onForeign = onForeign;
    this.#login = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who never waits is not told.
    this.#login.catch(() => undefined);
  }

  /** Takes the answer, and says what the browser is to show. */
  async receive(parameters: URLSearchParams): Promise<CallbackPage> {
    if (!this.flow.isAnswer(parameters)) {
      this.#onForeign?.();
      return ANOTHER_LOGIN;
    }
    if (this.#isReceived) return ANSWERED_BEFORE;
    this.#isReceived = true;
    const login = this.flow.redeem(parameters, this.redirectUri);
    this.#resolve(login);
    return login.then(
      () => LOGGED_IN,
      () => NOT_LOGGED_IN,
    );
  }

  async wait(clock: Clock, leftMs: number, signal: AbortSignal | undefined): Promise<Login> {
    const giveUp = (error: unknown): void => {
      if (!this.#isReceived) this.#reject(error);
    };
    const cancelTimer = clock.schedule(() => giveUp(tooLate()), leftMs, true);
    const cancelAbort = signal && whenAborted(signal, () => giveUp(loginAborted(signal)));
    try {
      return await grantedOrAborted(this.#login, () => true, clock, signal);
    } finally {
      cancelTimer();
      cancelAbort?.();
    }
  }
}

function tooLate(): TokenRequestError {
  return new TokenRequestError(
    'KM_AUTH_GRANT_REJECTED',
    'nobody logged in with the browser in time; start again for a new link',
    {},
  );
}
