import { describe, expect, test } from 'vitest';
import type { TokenGrant } from '../src/index.js';
import { parseRefreshToken, parseTokenAnswer } from '../src/providers/token-answer.js';

const NOW_MS = 1_700_000_000_000;

/** A JWT as far as anybody reads it here: unsigned. */
function jwt(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'ES256' })}.${part(claims)}.c2ln`;
}

function parse(
  body: unknown,
  context: {
    readonly clockSkewMs?: number;
    readonly requestedScopes?: readonly string[];
    readonly isLogin?: boolean;
  } = {},
): TokenGrant | undefined {
  const { clockSkewMs, requestedScopes = ['monitoring'], isLogin = false } = context;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return parseTokenAnswer(text, { receivedAtMs: NOW_MS, requestedScopes, clockSkewMs, isLogin });
}

const lifetimeOf = (body: unknown, clockSkewMs?: number): number | undefined =>
  parse(body, clockSkewMs === undefined ? {} : { clockSkewMs })?.token.lifetimeMs;

describe('the lifetime in a token answer', () => {
  test.each([
    ['a number', 60, 60_000],
    ['a numeric string', '60', 60_000],
    ['a fraction', 1.5, 1_500],
    ['less than a second', 0.01, 1_000],
  ])('is counted from receipt when expires_in is %s', (_, expiresIn, lifetimeMs) => {
    const token = parse({ access_token: 't', expires_in: expiresIn })?.token;

    expect([token?.issuedAtMs, token?.lifetimeMs]).toEqual([NOW_MS, lifetimeMs]);
  });

  test.each([undefined, 0, -5, '', 'soon', null, '1e999'])(
    'is five minutes when expires_in is %j and the token is opaque',
    (expiresIn) => {
      expect(lifetimeOf({ access_token: 'opaque', expires_in: expiresIn })).toBe(300_000);
    },
  );

  test('comes from expires_in and not from the server’s clock, where both are there', () => {
    const token = jwt({ exp: NOW_MS / 1_000 + 9_999 });

    expect(lifetimeOf({ access_token: token, expires_in: 60 })).toBe(60_000);
  });

  test('comes from the token’s exp where expires_in is missing, corrected by the skew that was seen', () => {
    const token = jwt({ exp: NOW_MS / 1_000 + 600 });

    expect(lifetimeOf({ access_token: token }, 0)).toBe(600_000);
    // A clock that is an hour fast: the server's now is an hour earlier.
    const hourFast = jwt({ exp: NOW_MS / 1_000 - 3_600 + 600 });
    expect(lifetimeOf({ access_token: hourFast }, 3_600_000)).toBe(600_000);
  });

  test('comes from exp less iat where no skew is known', () => {
    const token = jwt({ iat: 1_000, exp: 1_600 });

    expect(lifetimeOf({ access_token: token })).toBe(600_000);
  });

  test('is a second at least, even if exp has passed', () => {
    expect(lifetimeOf({ access_token: jwt({ exp: 1 }) }, 0)).toBe(1_000);
  });
});

describe('a lifetime that no date can hold', () => {
  const TEN_YEARS_MS = 315_360_000_000;

  test.each([315_360_001, '9223372036854775807', 2 ** 63, 1e306, Number.MAX_VALUE])(
    'is ten years when expires_in is %s',
    (expiresIn) => {
      const grant = parse({
        access_token: 't',
        expires_in: expiresIn,
        refresh_token: 'r',
        refresh_expires_in: expiresIn,
      });

      expect(grant?.token.lifetimeMs).toBe(TEN_YEARS_MS);
      expect(grant?.refreshTokenExpiresAtMs).toBe(NOW_MS + TEN_YEARS_MS);
    },
  );

  test('is ten years of the token of a login that says no end and has no refresh token: a guess would end the login', () => {
    const lifetime = (body: object) =>
      parse({ access_token: 't', ...body }, { isLogin: true })?.token.lifetimeMs;

    expect(lifetime({})).toBe(TEN_YEARS_MS);
    expect(lifetime({ refresh_token: 'r' })).toBe(300_000);
    expect(lifetime({ expires_in: 60 })).toBe(60_000);
    expect(lifetime({ access_token: jwt({ iat: 1_000, exp: 1_600 }) })).toBe(600_000);
  });

  test('is ten years when the token’s exp is too late', () => {
    const token = jwt({ iat: NOW_MS / 1_000, exp: 1e18 });

    expect(lifetimeOf({ access_token: token })).toBe(TEN_YEARS_MS);
  });

  test('is five minutes when the token’s exp is more than a number can say', () => {
    expect(lifetimeOf({ access_token: jwt({ iat: 1e306, exp: 1e306 }) })).toBe(300_000);
  });

  test('is ten years of a refresh token beside which nothing is read', () => {
    const text = JSON.stringify({ refresh_token: 'r', refresh_expires_in: 1e306 });

    expect(parseRefreshToken(text, NOW_MS)?.expiresAtMs).toBe(NOW_MS + TEN_YEARS_MS);
  });
});

describe('the scopes in a token answer', () => {
  test.each([
    ['a string', 'a b', ['a', 'b']],
    ['a list', ['a', 'b'], ['a', 'b']],
    ['a list with rubbish in it', ['a', 7, ''], ['a']],
    ['missing', undefined, ['monitoring']],
    ['empty', '', ['monitoring']],
    ['an empty list', [], ['monitoring']],
    ['of another kind', { a: 1 }, ['monitoring']],
    ['in part none that can be', 'a b"c d\\e \u001b[2Jf \u202eg h', ['a', 'h']],
    ['in part none that can be, in a list', ['a', 'b"c', 'd e', '\u001b[2J'], ['a']],
    ['none that can be', 'b"c', ['monitoring']],
  ])('are read when they are %s', (_, scope, scopes) => {
    expect(parse({ access_token: 't', scope })?.token.scopes).toEqual(scopes);
  });

  test('may have commas in them: GitHub separates by commas, docker’s registries have them in a scope', () => {
    const scopesOf = (scope: string, ...requestedScopes: string[]) =>
      parse({ access_token: 't', scope }, { requestedScopes })?.token.scopes;
    const pull = 'repository:a/b:pull,push';

    expect(scopesOf('repo,user', 'repo', 'user')).toEqual(['repo', 'user']);
    expect(scopesOf('repo, user')).toEqual(['repo', 'user']);
    expect(scopesOf(pull, pull)).toEqual([pull]);
    expect(scopesOf(`${pull} openid`)).toEqual([pull, 'openid']);
  });
});

describe('a token answer', () => {
  test.each([
    ['bearer', 'Bearer'],
    ['BEARER', 'Bearer'],
    [undefined, 'Bearer'],
    ['DPoP', 'DPoP'],
    ['N_A', 'Bearer'],
    ['n_a', 'Bearer'],
    ['Bearer\r\nX-Evil: 1', 'Bearer'],
  ])('of type %j is sent as %s', (tokenType, type) => {
    expect(parse({ access_token: 't', token_type: tokenType })?.token.type).toBe(type);
  });

  test('without a refresh token has none', () => {
    expect(parse({ access_token: 't' })).not.toHaveProperty('refreshToken');
    expect(parse({ access_token: 't', refresh_token: '' })).not.toHaveProperty('refreshToken');
    expect(parse({ access_token: 't', refresh_token: 7 })).not.toHaveProperty('refreshToken');
  });

  test.each(['refresh_expires_in', 'refresh_token_expires_in'])(
    'tells with %s when its refresh token ends',
    (name) => {
      const grant = parse({ access_token: 't', refresh_token: 'r', [name]: 60 });

      expect(grant?.refreshTokenExpiresAtMs).toBe(NOW_MS + 60_000);
      expect(parse({ access_token: 't', refresh_token: 'r', [name]: 0 })).not.toHaveProperty(
        'refreshTokenExpiresAtMs',
      );
    },
  );

  test.each([
    ['no JSON', '<html>Sign in to the Wi-Fi</html>'],
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['cut in half', '{"access_token":"abc"'],
    ['an object without a token', '{}'],
    ['an empty token', { access_token: '' }],
    ['a token that is no text', { access_token: 7 }],
    ['a token that would break a header', { access_token: 'a\r\nX-Evil: 1' }],
    ['a token with a blank', { access_token: 'a b' }],
  ])('that is %s is none', (_, body) => {
    expect(parse(body)).toBeUndefined();
  });
});
