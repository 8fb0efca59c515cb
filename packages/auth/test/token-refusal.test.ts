import { describe, expect, test } from 'vitest';
import type { TokenRequestError } from '../src/index.js';
import { refusalError, type Refusal } from '../src/providers/token-refusal.js';

function refuse(status: number, body: unknown, more: Partial<Refusal> = {}): TokenRequestError {
  return refusalError({
    status,
    text: typeof body === 'string' ? body : JSON.stringify(body),
    origin: 'https://api.example.test',
    grantType: 'refresh_token',
    retryAfterMs: undefined,
    secrets: [],
    ...more,
  });
}

describe('a refusal of the token endpoint', () => {
  test.each<[number, unknown, string]>([
    [400, { error: 'invalid_grant' }, 'KM_AUTH_GRANT_REJECTED'],
    [401, { error: 'invalid_grant' }, 'KM_AUTH_GRANT_REJECTED'],
    [400, { error: 'invalid_scope' }, 'KM_AUTH_INVALID_SCOPE'],
    [400, { error: 'invalid_client' }, 'KM_AUTH_CONFIGURATION'],
    [401, { error: 'invalid_client' }, 'KM_AUTH_CONFIGURATION'],
    [400, { error: 'unauthorized_client' }, 'KM_AUTH_CONFIGURATION'],
    [400, { error: 'invalid_request' }, 'KM_AUTH_CONFIGURATION'],
    [400, { error: 'unsupported_grant_type' }, 'KM_AUTH_CONFIGURATION'],
    [400, 'no JSON at all', 'KM_AUTH_CONFIGURATION'],
    [403, { error: 'invalid_grant' }, 'KM_AUTH_CONFIGURATION'],
    [404, '<html>', 'KM_AUTH_CONFIGURATION'],
    [408, '', 'KM_AUTH_UNREACHABLE'],
    [425, '', 'KM_AUTH_UNREACHABLE'],
    [429, { error: 'slow_down' }, 'KM_AUTH_UNREACHABLE'],
    [500, { error: 'invalid_grant' }, 'KM_AUTH_UNREACHABLE'],
    [503, { error: 'temporarily_unavailable' }, 'KM_AUTH_UNREACHABLE'],
    [400, { error: 'temporarily_unavailable' }, 'KM_AUTH_UNREACHABLE'],
    [400, { error: 'server_error' }, 'KM_AUTH_UNREACHABLE'],
    [302, '', 'KM_AUTH_UNREACHABLE'],
  ])('with status %d and %j is %s', (status, body, code) => {
    expect(refuse(status, body).code).toBe(code);
  });

  test('says who refused what, why, and what to do', () => {
    const error = refuse(400, { error: 'invalid_grant', error_description: 'expired' });

    expect(error.message).toBe(
      'https://api.example.test refused the refresh_token grant with status 400: invalid_grant (expired); log in again',
    );
    expect(error.failure).toEqual({
      status: 400,
      oauthError: 'invalid_grant',
      oauthErrorDescription: 'expired',
    });
    expect(refuse(404, '').message).toContain('there is no token service at this address');
  });

  test('keeps what Retry-After asked for', () => {
    expect(refuse(503, '', { retryAfterMs: 7_000 }).failure.retryAfterMs).toBe(7_000);
  });

  test('repeats no secret that the server sent back', () => {
    const echo = {
      error: 'invalid_grant',
      error_description: 'unknown token rt-secret-1, really: rt-secret-1',
    };
    const error = refuse(400, echo, { secrets: ['rt-secret-1'] });

    expect(error.message).toContain('unknown token [redacted], really: [redacted]');
    expect(JSON.stringify(error.failure)).not.toContain('rt-secret-1');
  });

  test('leaves out a text that repeats a short secret, and is told apart by its error all the same', () => {
    const echo = { error: 'invalid_client', error_description: 'wrong secret "hunter2"' };
    const error = refuse(401, echo, { secrets: ['hunter2', 'i', ''] });

    expect(error.message).toContain('invalid_client');
    expect(error.message).not.toMatch(/hunter2|redacted/);
    expect(JSON.stringify(error.failure)).not.toContain('hunter2');
  });

  test('cannot paint a terminal, nor fill it', () => {
    const error = refuse(400, { error: 'x\u001b[2J\r\n', error_description: 'a'.repeat(10_000) });

    // eslint-disable-next-line no-control-regex -- that is what must not be there
    expect(error.message).not.toMatch(/[\u0000-\u001f]/);
    expect(error.message.length).toBeLessThan(400);
  });

  test.each([
    ['what turns the direction of text', 'a\u202eb\u2066c', 'a b c'],
    ['what nobody sees', 'a\u200bb\ufeffc\u00ad', 'a b c'],
    ['other ends of lines', 'a\u2028b\u2029c', 'a b c'],
    ['halves of characters', 'a\ud83db', 'a b'],
  ])('cannot have %s in it', (_what, description, shown) => {
    const { failure } = refuse(400, { error: 'x', error_description: description });
    expect(failure.oauthErrorDescription).toBe(shown);
  });

  test('keeps letters of any script whole, also where it is cut', () => {
    const { failure } = refuse(400, { error: 'x', error_description: `é 名 ${'🙂'.repeat(300)}` });
    expect(failure.oauthErrorDescription).toBe(`é 名 ${'🙂'.repeat(196)}…`);
  });
});
