import { describe, expect, test, vi } from 'vitest';
import { AuthError, TokenRequestError, TransportError } from '../src/index.js';
import { LockLostError } from '../src/caches/file/held-generation.js';

/** The library as a program sees it that has it twice. */
async function otherCopy() {
  vi.resetModules();
  return import('../src/index.js');
}

class Special extends AuthError {}
class SpecialRequest extends TokenRequestError {}
class SpecialTransport extends TransportError {}

const PLAIN = new AuthError('KM_AUTH_CACHE', 'plain');
const REQUEST = new TokenRequestError('KM_AUTH_UNREACHABLE', 'request', {});
const TRANSPORT = new TransportError('refused', false);

describe('instanceof', () => {
  test('tells each kind of failure from the others, a program’s own kinds too', () => {
    const kinds = [
      AuthError,
      TokenRequestError,
      LockLostError,
      TransportError,
      Special,
      SpecialRequest,
      SpecialTransport,
    ];
    const kindsOf = (error: unknown): readonly string[] =>
      kinds.filter((kind) => error instanceof kind).map(({ name }) => name);

    expect(kindsOf(PLAIN)).toEqual(['AuthError']);
    expect(kindsOf(REQUEST)).toEqual(['AuthError', 'TokenRequestError']);
    expect(kindsOf(new LockLostError())).toEqual(['AuthError', 'LockLostError']);
    expect(kindsOf(new Special('KM_AUTH_CACHE', 'special'))).toEqual(['AuthError', 'Special']);
    expect(kindsOf(new SpecialRequest('KM_AUTH_UNREACHABLE', 'special', {}))).toEqual([
      'AuthError',
      'TokenRequestError',
      'SpecialRequest',
    ]);
    expect(kindsOf(TRANSPORT)).toEqual(['TransportError']);
    expect(kindsOf(new SpecialTransport('refused', true))).toEqual(['TransportError', 'SpecialTransport']);
    for (const other of [new Error('KM_AUTH_CACHE'), { code: 'KM_AUTH_CACHE' }, null, undefined, 'text'])
      expect(kindsOf(other)).toEqual([]);
  });

  test('holds across two copies of the library', async () => {
    const other = await otherCopy();
    expect(other.AuthError).not.toBe(AuthError);
    expect(PLAIN instanceof other.AuthError).toBe(true);
    expect(PLAIN instanceof other.TokenRequestError).toBe(false);
    expect(REQUEST instanceof other.TokenRequestError).toBe(true);
    expect(other.TransportError).not.toBe(TransportError);
    expect(TRANSPORT instanceof other.TransportError).toBe(true);
    expect(REQUEST instanceof other.TransportError).toBe(false);
  });
});
