import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  describeKey,
  scopesOfKey,
  targetOfKey,
  targetSuffix,
  tokenKey,
  type TokenTarget,
} from '../../src/token-key.js';

const scope = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,12}$/);
const text = fc.string({ minLength: 1, maxLength: 30 });

test('a key tells its scopes and its target, whatever is in them', () => {
  fc.assert(
    fc.property(
      fc.array(scope, { minLength: 1, maxLength: 4 }),
      fc.array(text, { maxLength: 3 }),
      fc.option(text, { nil: undefined }),
      (scopes, resources, audience) => {
        const target = { resources, ...(audience !== undefined && { audience }) };
        const key = tokenKey(scopes, targetSuffix(target));

        expect(scopesOfKey(key)).toEqual([...new Set(scopes)].sort());
        expect(new Set(targetOfKey(key).resources)).toEqual(
          resources.length === 0 ? new Set(undefined) : new Set(resources),
        );
        expect(targetOfKey(key).audience).toBe(audience);
      },
    ),
  );
});

test('two targets have two keys, in whatever order they are named', () => {
  fc.assert(
    fc.property(fc.uniqueArray(text, { minLength: 2, maxLength: 4 }), ([first = '', ...rest]) => {
      const suffix = (resources: readonly string[]): string => targetSuffix({ resources });
      expect(suffix([first, ...rest])).toBe(suffix([...rest.reverse(), first]));
      expect(suffix([first])).not.toBe(suffix(rest));
      expect(suffix([first])).not.toBe(targetSuffix({ audience: first }));
    }),
  );
});

test('without a target a key is the scope set alone', () => {
  expect(tokenKey('b a b', targetSuffix({}))).toBe('a b');
});

test('a key for people has its scopes, and where its token may be used', () => {
  const described = (target: TokenTarget): string => describeKey(tokenKey('b a', targetSuffix(target)));

  expect(described({})).toBe('a b');
  expect(described({ audience: 'the api' })).toBe('a b for the api');
  expect(described({ resources: ['https://b/?x="', 'https://a/'], audience: 'c' })).toBe(
    'a b for https://a/, https://b/?x=", c',
  );
});
