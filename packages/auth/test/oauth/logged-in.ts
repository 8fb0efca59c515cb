import {
  AuthToken,
  createAuthManager,
  createMemoryCache,
  Secret,
  storeLogin,
  type AuthManagerConfig,
  type TokenGrant,
  type TokenProvider,
  type TokenRequest,
  type TokenRequestError,
  type TokenTarget,
} from '../../src/index.js';
import { fakeClock, type FakeClock } from '../support/fake-clock.js';
import { recordEvents } from '../support/record-events.js';

export const HOUR = 3_600_000;
export const DAY = 86_400_000;

type Answer = {
  readonly scopes?: readonly string[];
  readonly refreshToken?: string;
  readonly refreshTokenLifeMs?: number;
  readonly error?: TokenRequestError;
};

/** An issuer that answers refreshes as told: by default what was asked, with a new refresh token. */
export class FakeOAuth implements TokenProvider {
  readonly issuer;
  readonly requests: TokenRequest[] = [];
  readonly answers: Answer[] = [];
  readonly #clock: FakeClock;

  constructor(clock: FakeClock, target: TokenTarget = {}) {
    this.#clock = clock;
    this.issuer = { origin: 'https://login.example', identity: 'id', target };
  }

  requestToken(request: TokenRequest): Promise<TokenGrant> {
    this.requests.push(request);
    const answer = this.answers.shift() ?? {};
    return answer.error === undefined
      ? Promise.resolve(this.grant(answer, request.scopes ?? []))
      : Promise.reject(answer.error);
  }

  grant(answer: Answer, scopes: readonly string[]): TokenGrant {
    const nowMs = this.#clock.nowMs();
    const number = String(this.requests.length);
    return {
      token: new AuthToken({
        value: `access-${number}`,
        scopes: answer.scopes ?? scopes,
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + HOUR,
      }),
      refreshToken: new Secret(answer.refreshToken ?? `refresh-${number}`),
      ...(answer.refreshTokenLifeMs !== undefined && {
        refreshTokenExpiresAtMs: nowMs + answer.refreshTokenLifeMs,
      }),
    };
  }
}

/** Who has logged in for `asked`, with `answer`. */
export async function loggedIn(
  asked: readonly string[],
  answer: Answer = {},
  config: AuthManagerConfig & { readonly target?: TokenTarget } = {},
) {
  const clock = fakeClock();
  const provider = new FakeOAuth(clock, config.target);
  const cache = createMemoryCache({ clock });
  const login = { id: 'login-1', grant: provider.grant(answer, asked), askedScopes: asked };
  const key = await storeLogin(login, { provider, cache });
  const open = (more: AuthManagerConfig = {}) =>
    createAuthManager({ provider, cache, clock, random: () => 0, loginId: 'login-1', ...config, ...more });
  const manager = open();
  return { clock, provider, cache, key, manager, open, events: recordEvents(manager) };
}
