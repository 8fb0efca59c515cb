import { ASSUMED_LIFETIME_MS, AuthToken, LONGEST_LIFETIME_MS } from '../auth-token.js';
import { jsonObject } from '../json-object.js';
import { decodeClaims } from '../jwt-claims.js';
import type { RefreshToken } from '../grant-record.js';
import type { TokenGrant } from '../ports.js';
import { isScopeToken } from '../scope.js';
import { Secret } from '../secret.js';

/** What is known besides the answer's body. */
export type AnswerContext = {
  /** When the answer was received, by the local clock. */
  readonly receivedAtMs: number;
  /** The scopes that were asked for: granted unless the answer says otherwise (RFC 6749 §5.1). */
  readonly requestedScopes: readonly string[];
  /** Local clock minus the server's. */
  readonly clockSkewMs: number | undefined;
  /** The private key that was proved. The token is bound to it if its type says so; of a refresh token nothing says so. */
  readonly proofKey?: Secret | undefined;
  /** A person has just logged in: without a refresh token nothing but the next login brings another token. Default false. */
  readonly isLogin?: boolean | undefined;
};

/** A lifetime below this is taken for this: one second is the least that the wire can say. */
const SHORTEST_LIFETIME_MS = 1_000;

/** RFC 6750 §2.1 and §A.12: visible ASCII, so that it can stand in a header. */
const HEADER_SAFE = /^[\x21-\x7e]+$/;

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function positiveNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : undefined;
}

/** A server that means "for ever" says what no date can hold. */
function withinBounds(ms: number): number {
  return Math.min(LONGEST_LIFETIME_MS, Math.max(SHORTEST_LIFETIME_MS, ms));
}

/**
 * Counted from receipt; the server's clock is asked only where `expires_in` is missing, less what it is off.
 *
 * @param assumedMs where nothing tells.
 */
function lifetimeMs(
  expiresIn: unknown,
  accessToken: string,
  context: AnswerContext,
  assumedMs: number,
): number {
  const seconds = positiveNumber(expiresIn);
  if (seconds !== undefined) return withinBounds(seconds * 1_000);
  const claims = decodeClaims(accessToken);
  if (claims?.expiresAtMs === undefined) return assumedMs;
  const serverNowMs =
    context.clockSkewMs === undefined
      ? (claims.issuedAtMs ?? context.receivedAtMs)
      : context.receivedAtMs - context.clockSkewMs;
  return withinBounds(claims.expiresAtMs - serverNowMs);
}

/** GitHub has commas between scopes, in the place of the spaces of RFC 6749 §3.3; docker's registries have them within one. */
function wordsIn(scope: string, requested: readonly string[]): readonly string[] {
  const hasOwnCommas = /\s/.test(scope) || requested.includes(scope);
  return scope.split(hasOwnCommas ? /,?\s+/ : ',');
}

/** What is no scope is left out: nobody could ask for it, and it would reach terminals and commands as it is. */
function grantedScopes(scope: unknown, requested: readonly string[]): readonly string[] {
  const words: readonly unknown[] = isText(scope)
    ? wordsIn(scope, requested)
    : Array.isArray(scope)
      ? scope
      : [];
  const tokens = words.filter(isText).filter(isScopeToken);
  return tokens.length > 0 ? tokens : requested;
}

/** Of a token that is no access token, as a token exchange may bring: RFC 8693 §2.2.1. No server knows a scheme of that name. */
const NO_TYPE = /^n_a$/i;

/** `bearer` and `dpop` in any case are `Bearer` and `DPoP`; anything else stays as the server spelt it. */
function tokenType(value: unknown): string {
  if (!isText(value) || !HEADER_SAFE.test(value) || NO_TYPE.test(value)) return 'Bearer';
  return ['Bearer', 'DPoP'].find((known) => known.toLowerCase() === value.toLowerCase()) ?? value;
}

type AnsweredRefreshToken = Pick<RefreshToken, 'secret' | 'issuedAtMs' | 'expiresAtMs'>;

/** Reads the refresh token of an answer, whatever else is in it; `undefined` where it has none. */
export function parseRefreshToken(text: string, receivedAtMs: number): AnsweredRefreshToken | undefined {
  const answer = jsonObject(text);
  return answer === undefined ? undefined : refreshTokenIn(answer, receivedAtMs);
}

function refreshTokenIn(
  answer: Readonly<Record<string, unknown>>,
  receivedAtMs: number,
): AnsweredRefreshToken | undefined {
  const refreshToken = answer['refresh_token'];
  if (!isText(refreshToken)) return undefined;
  const seconds = positiveNumber(answer['refresh_expires_in'] ?? answer['refresh_token_expires_in']);
  return {
    secret: new Secret(refreshToken),
    issuedAtMs: receivedAtMs,
    ...(seconds !== undefined && { expiresAtMs: receivedAtMs + withinBounds(seconds * 1_000) }),
  };
}

/**
 * Reads the body of a 200 from a token endpoint, or returns `undefined` when it is none.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5.1 | RFC 6749 §5.1}
 */
export function parseTokenAnswer(text: string, context: AnswerContext): TokenGrant | undefined {
  const answer = jsonObject(text);
  const accessToken = answer?.['access_token'];
  if (answer === undefined || !isText(accessToken) || !HEADER_SAFE.test(accessToken)) return undefined;

  const refreshToken = refreshTokenIn(answer, context.receivedAtMs);
  // A guess would end a login that works. A 401 ends one that does not.
  const isAllThereIs = context.isLogin === true && refreshToken === undefined;
  const assumedMs = isAllThereIs ? LONGEST_LIFETIME_MS : ASSUMED_LIFETIME_MS;
  const type = tokenType(answer['token_type']);
  return {
    token: new AuthToken({
      value: accessToken,
      type,
      scopes: grantedScopes(answer['scope'], context.requestedScopes),
      issuedAtMs: context.receivedAtMs,
      expiresAtMs: context.receivedAtMs + lifetimeMs(answer['expires_in'], accessToken, context, assumedMs),
      ...(type === 'DPoP' && { proofKey: context.proofKey }),
    }),
    ...(refreshToken !== undefined && { refreshToken: refreshToken.secret }),
    ...(refreshToken?.expiresAtMs !== undefined && { refreshTokenExpiresAtMs: refreshToken.expiresAtMs }),
    ...(context.proofKey !== undefined && { proofKey: context.proofKey }),
    ...(context.clockSkewMs !== undefined && { clockSkewMs: context.clockSkewMs }),
  };
}
