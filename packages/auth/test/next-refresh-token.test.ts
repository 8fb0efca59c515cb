import { describe, expect, test } from 'vitest';
import { AuthToken, Secret, type GrantRecord } from '../src/index.js';
import { withAnswer } from '../src/grant-changes.js';
import { EMPTY_GRANT } from '../src/grant-record.js';

describe('the refresh token after an answer', () => {
  const AGED = { secret: new Secret('aged'), issuedAtMs: 0 };
  const at = (atMs: number): AuthToken =>
    new AuthToken({ value: 't', scopes: ['a'], issuedAtMs: atMs, expiresAtMs: atMs + 1 });
  const answerTo = (refreshToken: GrantRecord['refreshToken'], atMs: number, expiresAtMs?: number) => {
    const grant = {
      token: at(atMs),
      refreshToken: new Secret('next'),
      ...(expiresAtMs !== undefined && { refreshTokenExpiresAtMs: expiresAtMs }),
    };
    const record = { ...EMPTY_GRANT, ...(refreshToken !== undefined && { refreshToken }) };
    return withAnswer(record, { key: 'a', grant, scopes: undefined, isRefresh: true }).refreshToken;
  };

  test('has a fixed end when a refresh does not put that off', () => {
    const ending = { ...AGED, expiresAtMs: 100_000 };

    expect(answerTo(ending, 10_000, 100_000)).toHaveProperty('isEndFixed', true);
    expect(answerTo(ending, 10_000, 104_999)).toHaveProperty('isEndFixed', true);
    expect(answerTo(ending, 10_000, 105_000)).not.toHaveProperty('isEndFixed');
    expect(answerTo(ending, 10_000, 110_000)).not.toHaveProperty('isEndFixed');
  });

  test('has the end that was known where the answer comes too soon, or says too little, to tell', () => {
    for (const isEndFixed of [true, false]) {
      const ending = { ...AGED, expiresAtMs: 100_000, isEndFixed };
      const told = [
        answerTo(ending, 4_999, 100_000),
        answerTo(ending, 10_000),
        answerTo({ ...AGED, isEndFixed }, 10_000, 110_000),
      ];

      expect(told.map((token) => token?.isEndFixed === true)).toEqual([isEndFixed, isEndFixed, isEndFixed]);
    }
    expect(answerTo({ ...AGED, expiresAtMs: 100_000 }, 5_000, 100_000)).toHaveProperty('isEndFixed', true);
  });

  test('says no more than the answer did', () => {
    expect(answerTo(AGED, 10_000)).toStrictEqual({
      secret: expect.any(Secret) as Secret,
      issuedAtMs: 10_000,
    });
    expect(answerTo(undefined, 10_000, 20_000)).toStrictEqual({
      secret: expect.any(Secret) as Secret,
      issuedAtMs: 10_000,
      expiresAtMs: 20_000,
    });
  });

  test('is the one before where the answer has none, and serves what it was sent for where that was not known', () => {
    const keeping = (
      refreshToken: GrantRecord['refreshToken'],
      scopes: readonly string[] | undefined,
      isRefresh = true,
    ) =>
      withAnswer(
        { ...EMPTY_GRANT, ...(refreshToken !== undefined && { refreshToken }) },
        { key: 'a', grant: { token: at(1) }, scopes, isRefresh },
      );

    expect(keeping(AGED, ['a', 'b']).refreshToken).toStrictEqual({ ...AGED, scopes: ['a', 'b'] });
    expect(keeping({ ...AGED, scopes: ['a'] }, ['b']).refreshToken).toStrictEqual({ ...AGED, scopes: ['a'] });
    expect(keeping(AGED, undefined).refreshToken).toStrictEqual(AGED);
    expect(keeping(AGED, ['a', 'b'], false).refreshToken).toStrictEqual(AGED);
    expect(keeping(undefined, ['a'])).not.toHaveProperty('refreshToken');
  });
});
