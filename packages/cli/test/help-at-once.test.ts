import { describe, expect, test } from 'vitest';
import { answerHelp } from '../src/help-at-once.js';
import { helpTexts } from '../src/help-texts.js';

describe('help that is at hand', () => {
  const texts = helpTexts('1.2.3');

  test('is there for every command', () => {
    expect(Object.keys(texts)).toEqual(
      expect.arrayContaining(['', 'init', 'auth', 'auth token', 'auth status', 'queue flush', 'monitor']),
    );
    for (const text of Object.values(texts)) expect(text).toContain('Usage: km');
  });

  test.each([
    [],
    ['auth'],
    ['auth', 'token'],
    ['auth token', '--help'],
    ['auth', 'tokn', '--help'],
    ['auth', 'token', '--scope', '--help'],
    ['monitor', '--', 'node', '--help'],
    ['help', 'auth'],
    ['toString', '--help'],
    ['__proto__', '-h'],
  ])('%j %j %j %j is for the parser of all of km', (...words) => {
    expect(answerHelp(words, texts)).toBe(false);
  });
});
