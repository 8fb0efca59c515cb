import { describe, expect, test } from 'vitest';
import {
  AuthToken,
  partWithScopes,
  partWithTokens,
  Secret,
  TokenRequestError,
  type GrantRecord,
} from '../src/index.js';
import { endsWithItsLogin, revocableTokens } from '../src/parting.js';

const tokenOf = (value: string): AuthToken =>
  new AuthToken({ value, scopes: [], issuedAtMs: 0, expiresAtMs: 3_600_000 });
const [READ, WRITE] = [tokenOf('read'), tokenOf('write')];
const LEFT_OVER = { kind: 'access_token', token: new Secret('left over') } as const;

const RECORD: GrantRecord = {
  tokens: new Map([
    ['read', READ],
    ['read openid', READ],
    ['write', WRITE],
  ]),
  unexplainedRequestsAtMs: [7],
  refreshToken: { secret: new Secret('refresh'), issuedAtMs: 0 },
  leftOver: [LEFT_OVER],
};

const wordsOf = (tokens: ReturnType<typeof revocableTokens>): readonly string[] =>
  tokens.map(({ kind, token }) => `${kind} ${token.reveal()}`);

test('a grant ends with its refresh token first, each token once, and what is over already last', () => {
  expect(wordsOf(revocableTokens(RECORD))).toEqual([
    'refresh_token refresh',
    'access_token read',
    'access_token write',
    'access_token left over',
  ]);
});

test('all tokens are taken, and only for the storm brake something stays', () => {
  const { taken, left } = partWithTokens(9)(RECORD);
  expect(wordsOf(taken)).toHaveLength(4);
  expect(left).toEqual({ tokens: new Map(), unexplainedRequestsAtMs: [7], endedAtMs: 9 });
});

describe('the tokens of scopes', () => {
  test('are taken once, under whichever scopes they are; the refresh token and the others stay', () => {
    const { taken, left } = partWithScopes(['read', 'read openid'])(RECORD);
    expect(wordsOf(taken)).toEqual(['access_token read']);
    expect(left).toEqual({ ...RECORD, tokens: new Map([['write', WRITE]]) });
  });

  test('are none where no token has them: then nothing changes', () => {
    const { taken, left } = partWithScopes(['admin'])(RECORD);
    expect(taken).toEqual([]);
    expect(left).toBe(RECORD);
  });
});

describe('an issuer that ends no access tokens', () => {
  const refused = new TokenRequestError('KM_AUTH_CONFIGURATION', 'no', {
    oauthError: 'unsupported_token_type',
  });
  const access = { kind: 'access_token', token: READ } as const;
  const refresh = { kind: 'refresh_token', token: new Secret('refresh') } as const;

  test('has ended them with the refresh token', () => {
    expect(endsWithItsLogin(refused, access, [refresh, access])).toBe(true);
  });

  test.each([
    ['where there was no refresh token', refused, access, [access]],
    ['where nothing was to be ended', refused, access, []],
    ['where it ends no refresh token, either', refused, refresh, [refresh, access]],
    [
      'where it refused for something else',
      new TokenRequestError('KM_AUTH_CONFIGURATION', 'no', { oauthError: 'invalid_client' }),
      access,
      [refresh, access],
    ],
    ['where it did not answer', new Error('unsupported_token_type'), access, [refresh, access]],
  ] as const)('has not %s', (_, error, token, tokens) => {
    expect(endsWithItsLogin(error, token, tokens)).toBe(false);
  });
});
