import {
  AuthError,
  DEFAULT_SCOPE,
  isPortalPage,
  isUsable,
  shellWord,
  type AuthToken,
  type GrantRecord,
  type OAuthLogin,
  type Secret,
} from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { EXIT, exitCodeOf, isExplained } from '../exit-code.js';
import { scopeOfKey } from '../grant-of-account.js';
import { messageOf } from '../message-of.js';
import { transportOf } from '../network/transport.js';
import { commandFor, serviceUrl, type Account } from '../settings.js';

/** What the server says of a token. Members may be added; those here stay. */
export type TokenCheck = {
  readonly what: 'token' | 'refresh_token';
  /** Of an access token. */
  readonly scope: string | null;
  /** Whether it takes the token now; `null` where it does not say. */
  readonly isActive: boolean | null;
  /** Why it does not say, with a code as in docs/errors.md. */
  readonly failure: { readonly code: string; readonly message: string } | null;
  /** What a human can do where it does not take it. */
  readonly remedy: string | null;
};

/** Asks who issued a token whether it takes it; `undefined` where there is nobody to ask. */
type Ask = (token: AuthToken | Secret, what: TokenCheck['what']) => Promise<boolean | undefined>;

const TIMEOUT_MS = 5_000;

/**
 * Asks who issued them how an account's tokens are: those that are good by their time, and a person's login.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc7662 | RFC 7662}
 */
export async function checkTokens(
  account: Account,
  record: GrantRecord | undefined,
  context: CommandContext,
): Promise<readonly TokenCheck[]> {
  const nowMs = context.clock.nowMs();
  const { tokens = new Map<string, AuthToken>(), refreshToken } = record ?? {};
  const asked = [
    ...[...tokens]
      .filter(([, token]) => isUsable(token, nowMs))
      .map(([key, token]) => ({ what: 'token' as const, scope: scopeOfKey(key, account), token })),
    ...(refreshToken === undefined
      ? []
      : [{ what: 'refresh_token' as const, scope: null, token: refreshToken.secret }]),
  ];
  if (asked.length === 0) return [];
  const ask =
    account.oauth === undefined ? askApi(account, context) : await askIssuer(account.oauth, context);
  const checks: TokenCheck[] = [];
  for (const { what, scope, token } of asked) {
    const said = await answerOf(ask(token, what));
    if (said === undefined) continue;
    const remedy = said.isActive === false ? remedyFor({ what, scope }, account) : null;
    checks.push({ what, scope, ...said, remedy });
  }
  return checks;
}

/** For this account: without its flags, a command may renew, or replace, the login of another. */
function remedyFor({ what, scope }: Pick<TokenCheck, 'what' | 'scope'>, account: Account): string {
  if (what === 'refresh_token') return `run \`${account.loginCommand}\``;
  const isDefault = scope === null || scope === DEFAULT_SCOPE;
  const command = commandFor('km auth refresh', account);
  return `run \`${command}${isDefault ? '' : ` --scope ${shellWord(scope)}`}\``;
}

async function answerOf(
  asking: Promise<boolean | undefined>,
): Promise<Pick<TokenCheck, 'isActive' | 'failure'> | undefined> {
  try {
    const isActive = await asking;
    return isActive === undefined ? undefined : { isActive, failure: null };
  } catch (error) {
    if (!isExplained(error) || !('code' in error)) throw error;
    return { isActive: null, failure: { code: String(error.code), message: error.message } };
  }
}

async function askIssuer(login: OAuthLogin, context: CommandContext): Promise<Ask> {
  const { providerOfLogin } = await import('../oauth/open-provider.js');
  const provider = providerOfLogin(login, context);
  return async (token, what) => {
    const kind = what === 'token' ? 'access_token' : what;
    return (await provider.introspect({ token, kind })).isActive;
  };
}

/** The Kilometers API says it of access tokens only. */
function askApi({ endpoint }: Account, context: CommandContext): Ask {
  const send = transportOf(context);
  return async (token) => {
    if (!('authorization' in token)) return undefined;
    const unreachable = (why: string, cause?: unknown): AuthError =>
      new AuthError('KM_AUTH_UNREACHABLE', `${endpoint.value} ${why}; try again later`, { cause });
    const { status, text, headers } = await send({
      url: new URL(serviceUrl(endpoint.value, '/api/auth/validate')),
      method: 'GET',
      headers: { authorization: token.authorization, accept: 'application/json' },
      body: '',
      timeoutMs: TIMEOUT_MS,
      answerTimeoutMs: TIMEOUT_MS,
    }).catch((cause: unknown) => {
      throw unreachable(`cannot be reached: ${messageOf(cause)}`, cause);
    });
    if (status === 200 && isPortalPage(text, headers['content-type']))
      throw unreachable('answers with a page: the network may ask to sign in first (a captive portal)');
    if (status === 200 || status === 401) return status === 200;
    throw unreachable(`does not say how the token is (status ${String(status)})`);
  };
}

/** What a command ends with for what was found: that a login is over counts most. */
export function exitCodeOfChecks(checks: readonly TokenCheck[]): number {
  const lost = checks.filter(({ isActive }) => isActive === false);
  if (lost.some(({ what }) => what === 'refresh_token')) return EXIT.loginRequired;
  if (lost.length > 0) return EXIT.failed;
  const isLater = checks.some(
    ({ failure }) => failure !== null && exitCodeOf(failure.code) === EXIT.tryLater,
  );
  return isLater ? EXIT.tryLater : EXIT.done;
}

/** The same for people, a line a fact. */
export function checkFacts(checks: readonly TokenCheck[]): readonly string[] {
  return checks.map(({ what, scope, isActive, failure, remedy }) => {
    const name = what === 'token' ? `token ${scope ?? ''}` : 'login';
    if (isActive === null) return `the server does not say how the ${name} is: ${failure?.message ?? ''}`;
    if (isActive) return `the server takes the ${name}`;
    return `the server does not take the ${name} any more: ${remedy ?? ''}`;
  });
}
