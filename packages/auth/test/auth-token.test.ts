import { format, inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { AuthError, AuthToken, type AuthTokenFields } from '../src/index.js';

const VALUE = 'eyJ-a-token-nobody-may-see';

function tokenFrom(fields: Partial<AuthTokenFields> = {}): AuthToken {
  return new AuthToken({
    value: VALUE,
    scopes: ['monitoring'],
    issuedAtMs: 1_000,
    expiresAtMs: 61_000,
    ...fields,
  });
}

describe('an access token', () => {
  test('is expired from the very millisecond of its expiry', () => {
    const token = tokenFrom();

    expect(token.isExpired(60_999)).toBe(false);
    expect(token.isExpired(61_000)).toBe(true);
  });

  test('tells how long it lives in all, and what is left, never below zero', () => {
    const token = tokenFrom();

    expect(token.lifetimeMs).toBe(60_000);
    expect(token.remainingMs(41_000)).toBe(20_000);
    expect(token.remainingMs(90_000)).toBe(0);
  });

  test.each([Number.POSITIVE_INFINITY, Number.MAX_VALUE, 8.64e15 + 1])(
    'that ends at %d, as if it lived for ever, lives for ten years',
    (expiresAtMs) => {
      expect(tokenFrom({ expiresAtMs }).lifetimeMs).toBe(10 * 365 * 86_400_000);
    },
  );

  test('of which nobody said when it ends lives for 5 minutes: its login is not lost for that', () => {
    expect(tokenFrom({ expiresAtMs: Number.NaN }).lifetimeMs).toBe(300_000);
  });

  test.each([
    ['expiresAtMs', Number.NEGATIVE_INFINITY],
    ['issuedAtMs', Number.NaN],
    ['issuedAtMs', Number.POSITIVE_INFINITY],
  ])('of which %s is %d is refused', (name, ms) => {
    expect(() => tokenFrom({ [name]: ms })).toThrow(
      expect.objectContaining({
        code: 'KM_AUTH_INVALID_OPTION',
        message: expect.stringMatching(`^a token is from .*${String(ms)}.*: it needs two numbers`) as string,
      }),
    );
  });

  test('gives its text to reveal and to the Authorization header', () => {
    expect(tokenFrom().reveal()).toBe(VALUE);
    expect(tokenFrom().authorization).toBe(`Bearer ${VALUE}`);
    expect(tokenFrom({ type: 'DPoP' }).authorization).toBe(`DPoP ${VALUE}`);
  });

  test('is named by the first 8 hex digits of its SHA-256', () => {
    const token = new AuthToken({ value: 'abc', scopes: [], issuedAtMs: 0, expiresAtMs: 1 });

    expect(token.fingerprint).toBe('ba7816bf');
    expect(token.fingerprint).toBe('ba7816bf');
  });

  test('prints as [redacted] wherever it is printed', () => {
    const token = tokenFrom();

    expect(String(token)).toBe('[redacted]');
    // eslint-disable-next-line @typescript-eslint/restrict-template-expressions -- what happens by accident
    expect(`${token}`).toBe('[redacted]');
    expect(JSON.stringify({ token })).toBe('{"token":"[redacted]"}');
    expect(inspect(token)).toBe('[redacted]');
    expect(inspect({ deep: { token } })).toContain('token: [redacted]');
    expect(format('%s %o %j', token, token, token)).not.toContain(VALUE);
  });

  test('shows its text to no inspector, however curious', () => {
    const token = tokenFrom();
    const shown = inspect(token, { customInspect: false, showHidden: true, depth: 10, getters: false });

    expect(shown).not.toContain(VALUE);
    expect(Object.values(token)).not.toContain(VALUE);
    expect(inspect(new AuthError('KM_AUTH_CACHE', 'no', { cause: token }))).not.toContain(VALUE);
  });

  test('cannot be changed', () => {
    const scopes = ['monitoring'];
    const token = tokenFrom({ scopes });
    scopes.push('plugins');

    expect(token.scopes).toEqual(['monitoring']);
    expect(() => {
      (token as { expiresAtMs: number }).expiresAtMs = 0;
    }).toThrow(TypeError);
    expect(() => {
      (token.scopes as string[]).push('plugins');
    }).toThrow(TypeError);
  });
});
