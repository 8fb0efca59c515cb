import type * as JoseModule from 'jose';
import type { JSONWebKeySet, JWTPayload, JWTVerifyOptions } from 'jose';
import { urlUnder } from './api-origin.js';
import { AuthError } from './auth-error.js';
import type { Clock } from './clock.js';
import type { AuthToken } from './auth-token.js';
import { requestKeySet } from './entitlements-key-request.js';
import { EntitlementsKeySet } from './entitlements-key-set.js';
import type { EntitlementsSettings } from './entitlements-settings.js';
import { claimsOf } from './jwt-claims.js';

/** What an access token entitles to, verified. Fit for decisions. */
export type Entitlements = {
  /** Whom the token is about. */
  readonly subject: string;
  /** The account's tier, where the token tells. */
  readonly tier?: string;
  /** What the token may be used for; none where the token does not tell. */
  readonly scopes: readonly string[];
  /** `exp`, in milliseconds since the epoch, by the server's clock. */
  readonly expiresAtMs: number;
};

/** As `EntitlementVerifier.verify`. */
export type VerifyToken = (given: AuthToken | string) => Promise<Entitlements>;

export type VerifierOptions = {
  readonly issuer: string | undefined;
  readonly clockSkewMs: (() => number | undefined) | undefined;
  readonly endpoint: URL;
  readonly settings: EntitlementsSettings;
  readonly clock: Clock;
};

const KEYS_PATH = '/.well-known/jwks.json';
const ALGORITHM = 'ES256';
/** No header that carries a longer token would get through. */
const MAX_TOKEN_LENGTH = 16_384;

type Jose = typeof JoseModule;

function invalid(why: string, cause?: unknown): AuthError {
  return new AuthError('KM_AUTH_TOKEN_INVALID', `the access token cannot be trusted: ${why}`, { cause });
}

/** Says why `jose` refused a token. */
function refusal(jose: Jose, error: unknown): AuthError {
  const { errors } = jose;
  if (error instanceof errors.JWTExpired) return invalid('it has expired; get a new one', error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    const advice = claim === 'iss' ? ' (another API issued it, or `issuer` must be set)' : '';
    return invalid(
      `its claim "${claim}" is ${reason === 'missing' ? 'missing' : 'not acceptable'}${advice}`,
      error,
    );
  }
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return invalid('its signature is wrong: it was changed, or somebody else made it', error);
  if (error instanceof errors.JWKSNoMatchingKey)
    return invalid('it is signed with a key that the API does not publish', error);
  return invalid('its signature cannot be checked', error);
}

/** Whether `token` can be a JWT of this API at all: seen before any key is asked for. */
function assertSigned(jose: Jose, token: string): void {
  if (token.length > MAX_TOKEN_LENGTH)
    throw invalid(`it is longer than ${String(MAX_TOKEN_LENGTH)} characters`);
  let algorithm: unknown;
  try {
    if (token.split('.').length !== 3) throw new TypeError('not three parts');
    algorithm = jose.decodeProtectedHeader(token).alg;
  } catch (error) {
    throw invalid('it is no signed JWT but an opaque text; ask the API what it entitles to', error);
  }
  if (algorithm !== ALGORITHM)
    throw invalid(`it is not signed with ${ALGORITHM}, the one algorithm that is accepted`);
}

function entitlementsOf(payload: JWTPayload): Entitlements {
  const { subject, tier, scopes = [], expiresAtMs } = claimsOf(payload);
  if (subject === undefined || subject === '' || expiresAtMs === undefined)
    throw invalid('it does not tell whom it is about, or until when');
  return Object.freeze({
    subject,
    ...(tier !== undefined && { tier }),
    scopes: Object.freeze([...scopes]),
    expiresAtMs,
  });
}

/** What `createEntitlementVerifier` makes, with everything checked. */
export function createVerifier(options: VerifierOptions): VerifyToken {
  const { issuer, clockSkewMs, endpoint, settings, clock } = options;
  const ownIssuers = [endpoint.origin, endpoint.href, endpoint.href.replace(/\/+$/, '')];
  const url = urlUnder(endpoint, KEYS_PATH);
  const keySet = new EntitlementsKeySet(
    () => requestKeySet({ url, timeoutMs: settings.requestTimeoutMs, clock }),
    clock,
    settings,
  );

  const payloadOf = async (jose: Jose, token: string, keys: JSONWebKeySet): Promise<JWTPayload> => {
    const nowMs = clock.nowMs() - (clockSkewMs?.() ?? 0);
    const rules: JWTVerifyOptions = {
      algorithms: [ALGORITHM],
      clockTolerance: settings.clockToleranceMs / 1_000,
      currentDate: new Date(nowMs),
      requiredClaims: ['sub', 'exp'],
      ...(issuer !== undefined && { issuer }),
    };
    try {
      return (await jose.jwtVerify(token, jose.createLocalJWKSet(keys), rules)).payload;
    } catch (error) {
      // Its end is looked at last: all else is right.
      if (!(error instanceof jose.errors.JWTExpired)) throw error;
      const { payload } = error;
      const endedAgoMs = nowMs - Number(payload.exp) * 1_000;
      const { offlineLifetimeMs, clockToleranceMs } = settings;
      if (offlineLifetimeMs === 0 || endedAgoMs >= offlineLifetimeMs + clockToleranceMs) throw error;
      return payload;
    }
  };

  const verifyWith = async (jose: Jose, token: string, keys: JSONWebKeySet): Promise<JWTPayload> => {
    const payload = await payloadOf(jose, token, keys);
    const isOurs = issuer !== undefined || payload.iss === undefined || ownIssuers.includes(payload.iss);
    if (!isOurs)
      throw new jose.errors.JWTClaimValidationFailed('unexpected "iss"', payload, 'iss', 'check_failed');
    return payload;
  };

  return async (given) => {
    const token = typeof given === 'string' ? given : given.reveal();
    const jose = await import('jose');
    assertSigned(jose, token);
    const keys = await keySet.current();
    try {
      return entitlementsOf(await verifyWith(jose, token, keys));
    } catch (error) {
      if (error instanceof AuthError) throw error;
      if (!(error instanceof jose.errors.JWKSNoMatchingKey)) throw refusal(jose, error);
      const newer = await keySet.newerThan(keys);
      if (newer === undefined) throw refusal(jose, error);
      try {
        return entitlementsOf(await verifyWith(jose, token, newer));
      } catch (again) {
        throw again instanceof AuthError ? again : refusal(jose, again);
      }
    }
  };
}
