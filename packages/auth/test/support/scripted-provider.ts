import {
  AuthToken,
  Secret,
  type RevocableToken,
  type TokenGrant,
  type TokenProvider,
  type TokenRequest,
  type TokenRequestError,
} from '../../src/index.js';
import { sleep } from '../../src/clock.js';
import { answerLost, invalidGrant } from './failures.js';
import type { FakeClock } from './fake-clock.js';

/** What befalls one request. */
export type Trouble = {
  /** How long the answer takes. */
  readonly latencyMs?: number;
  /** Refused with this; nothing is done. */
  readonly refuse?: TokenRequestError;
  /** The answer is lost after the work was done; a gateway may say something else instead. */
  readonly loseAnswer?: true | TokenRequestError;
};

export type SentRequest = {
  readonly grantType: TokenRequest['grantType'];
  /** The API key, client secret or refresh token, in the clear. */
  readonly secret: string;
  readonly scopes: readonly string[];
  readonly atMs: number;
  /** What became of it, once it is over: refused as scripted, or rejected because it is no good. */
  outcome: 'pending' | 'answered' | 'lost' | 'refused' | 'rejected';
};

export type ScriptedProviderOptions = {
  readonly clock: FakeClock;
  /** Lifetime of an access token. Default one hour. */
  readonly lifetimeMs?: number;
  readonly latencyMs?: number;
  /** Whether a refresh token is replaced by using it, and good once. Default true. */
  readonly rotates?: boolean;
  /** Whether the API key wins a refresh token. Default true. */
  readonly givesRefreshTokens?: boolean;
  /** How long a used refresh token is taken again, and brings the same successor. Default 0. */
  readonly graceMs?: number;
};

type Family = { readonly scopes: readonly string[]; isRevoked: boolean };
type Rotated = { readonly family: Family; usedAtMs?: number; successor?: Secret };

/** A token service in memory: single-use refresh tokens, reuse detection, and whatever trouble is told. */
export class ScriptedProvider implements TokenProvider {
  readonly requests: SentRequest[] = [];
  /** The most requests that were under way at one time. */
  mostInFlight = 0;
  lifetimeMs: number;
  latencyMs: number;
  /** What it was told to end, in that order: the kind and the text. */
  readonly ended: string[] = [];
  /** What it refuses to end, and with what. */
  refusesToEnd: (token: RevocableToken) => unknown = () => undefined;
  readonly #options: ScriptedProviderOptions;
  readonly #clock: FakeClock;
  readonly #troubles: Trouble[] = [];
  readonly #refreshTokens = new Map<string, Rotated>();
  readonly #trueExpiry = new Map<string, number>();
  #constantTrouble: Trouble | undefined;
  #inFlight = 0;
  #issued = 0;

  constructor(options: ScriptedProviderOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.lifetimeMs = options.lifetimeMs ?? 3_600_000;
    this.latencyMs = options.latencyMs ?? 0;
  }

  get calls(): number {
    return this.requests.length;
  }

  /** What befalls the next requests, one each. */
  next(...troubles: readonly Trouble[]): void {
    this.#troubles.push(...troubles);
  }

  /** Nothing befalls the next requests any more. */
  clearTroubles(): void {
    this.#troubles.length = 0;
    this.#constantTrouble = undefined;
  }

  /** What befalls every request from now on; nothing with `undefined`. */
  always(trouble: Trouble | undefined): void {
    this.#constantTrouble = trouble;
  }

  /** A login at the service: its first refresh token. */
  login(...scopes: readonly string[]): Secret {
    return this.#newRefreshToken({ scopes, isRevoked: false });
  }

  /** Somebody ends the login to which this refresh token belongs. */
  revokeLogin(refreshToken: Secret): void {
    const known = this.#refreshTokens.get(refreshToken.reveal());
    if (known !== undefined) known.family.isRevoked = true;
  }

  /** Somebody else uses the refresh token, and keeps the answer. */
  useElsewhere(refreshToken: Secret): TokenGrant {
    return this.#renew(refreshToken);
  }

  /** When the token really ends, by true time. */
  trueExpiryMs(token: AuthToken): number {
    const expiryMs = this.#trueExpiry.get(token.reveal());
    if (expiryMs === undefined) throw new Error('this service never issued that token');
    return expiryMs;
  }

  revoke(token: RevocableToken): Promise<void> {
    const refusal = this.refusesToEnd(token);
    // A provider may throw anything.
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as above
    if (refusal !== undefined) return Promise.reject(refusal);
    this.ended.push(`${token.kind} ${token.token.reveal()}`);
    return Promise.resolve();
  }

  async requestToken(request: TokenRequest): Promise<TokenGrant> {
    const trouble = this.#troubles.shift() ?? this.#constantTrouble ?? {};
    const sent = this.#note(request);
    this.#inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight);
    try {
      const latencyMs = trouble.latencyMs ?? this.latencyMs;
      if (latencyMs > 0) await sleep(this.#clock, latencyMs);
      sent.outcome = 'refused';
      if (trouble.refuse !== undefined) throw trouble.refuse;
      sent.outcome = 'rejected';
      const grant =
        request.grantType === 'refresh_token' ? this.#renew(request.refreshToken) : this.#mint(sent);
      const { loseAnswer } = trouble;
      sent.outcome = loseAnswer === undefined ? 'answered' : 'lost';
      if (loseAnswer !== undefined) throw loseAnswer === true ? answerLost() : loseAnswer;
      return grant;
    } finally {
      this.#inFlight -= 1;
    }
  }

  #note(request: TokenRequest): SentRequest {
    const secrets = {
      api_key: () => (request.grantType === 'api_key' ? request.apiKey : undefined),
      client_credentials: () =>
        request.grantType === 'client_credentials' ? request.clientSecret : undefined,
      provider: () => undefined,
      refresh_token: () => (request.grantType === 'refresh_token' ? request.refreshToken : undefined),
    };
    const sent: SentRequest = {
      grantType: request.grantType,
      secret: secrets[request.grantType]()?.reveal() ?? '',
      scopes: request.scopes ?? [],
      atMs: this.#clock.trueMs(),
      outcome: 'pending',
    };
    this.requests.push(sent);
    return sent;
  }

  #mint({ scopes }: SentRequest): TokenGrant {
    const isGiven = this.#options.givesRefreshTokens !== false;
    return {
      token: this.#newToken(scopes),
      ...(isGiven && { refreshToken: this.#newRefreshToken({ scopes, isRevoked: false }) }),
    };
  }

  #renew(refreshToken: Secret): TokenGrant {
    const known = this.#refreshTokens.get(refreshToken.reveal());
    if (known === undefined) throw invalidGrant('unknown refresh token');
    if (known.family.isRevoked) throw invalidGrant('the refresh token was revoked');
    if (this.#options.rotates === false) return { token: this.#newToken(known.family.scopes) };
    if (known.usedAtMs !== undefined) {
      const isInGrace = this.#clock.trueMs() - known.usedAtMs < (this.#options.graceMs ?? 0);
      if (isInGrace && known.successor !== undefined)
        return { token: this.#newToken(known.family.scopes), refreshToken: known.successor };
      known.family.isRevoked = true;
      throw invalidGrant('refresh token reuse detected');
    }
    known.usedAtMs = this.#clock.trueMs();
    known.successor = this.#newRefreshToken(known.family);
    return { token: this.#newToken(known.family.scopes), refreshToken: known.successor };
  }

  #newToken(scopes: readonly string[]): AuthToken {
    this.#issued += 1;
    const value = `access-token-${String(this.#issued)}`;
    this.#trueExpiry.set(value, this.#clock.trueMs() + this.lifetimeMs);
    const issuedAtMs = this.#clock.nowMs();
    return new AuthToken({ value, scopes, issuedAtMs, expiresAtMs: issuedAtMs + this.lifetimeMs });
  }

  #newRefreshToken(family: Family): Secret {
    const secret = new Secret(`refresh-token-${String(this.#refreshTokens.size + 1)}`);
    this.#refreshTokens.set(secret.reveal(), { family });
    return secret;
  }
}

export function scriptedProvider(options: ScriptedProviderOptions): ScriptedProvider {
  return new ScriptedProvider(options);
}
