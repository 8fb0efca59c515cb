import { describe, expect, test } from 'vitest';
import { parseEndpoint, urlUnder } from '../src/api-origin.js';

describe('an API endpoint', () => {
  test.each([
    'https://api.kilometers.ai',
    'http://localhost:3000',
    'http://127.0.0.1:80',
    'http://127.8.9.1',
    'http://[::1]:9',
    'http://0x7f.1',
  ])('%s is fit for tokens', (endpoint) => {
    expect(() => parseEndpoint(endpoint)).not.toThrow();
  });

  test.each([
    'http://api.kilometers.ai',
    'http://localhost.example.test',
    'http://api.localhost',
    'http://127.0.0.1.example.test',
    'http://10.0.0.1',
    'http://[::2]',
    'http://0.0.0.0',
  ])('%s would show tokens to the network', (endpoint) => {
    expect(() => parseEndpoint(endpoint)).toThrow(
      expect.objectContaining({ code: 'KM_AUTH_INSECURE_ENDPOINT' }),
    );
  });

  test.each(['', 'api.kilometers.ai', 'ftp://api.kilometers.ai', 'javascript:1', 'file:///etc'])(
    '%j is no endpoint',
    (endpoint) => {
      expect(() => parseEndpoint(endpoint)).toThrow(
        expect.objectContaining({ code: 'KM_AUTH_INVALID_OPTION' }),
      );
    },
  );

  test('with a password is refused without repeating it', () => {
    const endpoint = 'https://user:hunter2@api.kilometers.ai';

    expect(() => parseEndpoint(endpoint)).toThrow(
      expect.objectContaining({ code: 'KM_AUTH_INVALID_OPTION' }),
    );
    expect(() => parseEndpoint(endpoint)).not.toThrow('hunter2');
  });

  test.each(['nowhere', 'http://id.example', 'https://user:hunter2@id.example'])(
    'that is called otherwise is refused by that name: %s',
    (url) => {
      expect(() => parseEndpoint(url, '--issuer')).toThrow(/^--issuer /);
      expect(() => parseEndpoint(url, '--issuer')).not.toThrow('kilometers.ai');
    },
  );

  test('keeps a path of its own', () => {
    expect(urlUnder(parseEndpoint('https://x.test/base/'), '/api/auth/token').href).toBe(
      'https://x.test/base/api/auth/token',
    );
    expect(urlUnder(parseEndpoint('https://x.test'), '/api').href).toBe('https://x.test/api');
  });
});
