import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coversScopes, isAuthError, scopeKey, scopeTokens, type Scope } from '../src/index.js';

describe('a scope', () => {
  test('is a set: order and repetition do not matter', () => {
    expect(scopeKey('plugins  monitoring plugins')).toBe('monitoring plugins');
    expect(scopeKey(['plugins', 'monitoring'])).toBe('monitoring plugins');
  });

  test('has one key, whatever way it is written', () => {
    const word = fc.stringMatching(/^[a-z:/.-]{1,12}$/);
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 5 }), (words) => {
        const backwards = [...words].reverse();
        expect(scopeKey(backwards.join('  '))).toBe(scopeKey(words));
        expect(scopeTokens(scopeKey(words))).toEqual(scopeTokens(words));
      }),
    );
  });

  test.each<[string, Scope]>([
    ['nothing', ''],
    ['blanks only', '   '],
    ['an empty list', []],
    ['a list with an empty word', ['monitoring', '']],
    ['a word with a blank', ['monitoring plugins']],
    ['a quote', 'mon"itoring'],
    ['a backslash', 'mon\\itoring'],
    ['a line break', 'mon\nitoring'],
    ['a letter outside ASCII', 'mönitoring'],
  ])('that is %s is refused', (_, scope) => {
    expect(() => scopeKey(scope)).toThrow(
      expect.toSatisfy((error: unknown) => isAuthError(error, 'KM_AUTH_INVALID_OPTION')),
    );
  });

  test('is covered when every word of it is', () => {
    expect(coversScopes(['a', 'b'], ['b'])).toBe(true);
    expect(coversScopes(['a', 'b'], ['b', 'c'])).toBe(false);
    expect(coversScopes([], ['b'])).toBe(false);
  });
});
