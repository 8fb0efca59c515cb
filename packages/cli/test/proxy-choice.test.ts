import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { proxyAddress, proxyAuthorization, proxyFor } from '../src/network/proxy-choice.js';

const API = new URL('https://api.kilometers.ai/v2');
const PROXY = 'http://proxy.corp:8080';

const chosen = (environment: Record<string, string>, url = API): string | undefined =>
  proxyFor(url, environment)?.value;

describe('the proxy for https', () => {
  test.each([
    [{}, undefined],
    [{ HTTPS_PROXY: PROXY }, PROXY],
    [{ https_proxy: PROXY, HTTPS_PROXY: 'http://other:1' }, PROXY],
    [{ HTTPS_PROXY: '  ' }, undefined],
    [{ ALL_PROXY: PROXY }, PROXY],
    [{ all_proxy: 'http://other:1', HTTPS_PROXY: PROXY }, PROXY],
    // It is for http, and nothing but https goes to another machine.
    [{ HTTP_PROXY: PROXY }, undefined],
  ])('with %o is %s', (environment, value) => {
    expect(chosen(environment)).toBe(value);
  });

  test.each(['https://localhost', 'https://127.0.0.1:8443', 'https://[::1]', 'https://x.localhost'])(
    'is none for this machine: %s',
    (url) => {
      expect(chosen({ HTTPS_PROXY: PROXY }, new URL(url))).toBeUndefined();
    },
  );
});

describe('the proxy for http', () => {
  const url = new URL('http://api.example');
  test('is not taken from what a web server makes of a header', () => {
    expect(chosen({ HTTP_PROXY: PROXY }, url)).toBe(PROXY);
    expect(chosen({ HTTP_PROXY: PROXY, REQUEST_METHOD: 'GET' }, url)).toBeUndefined();
    expect(chosen({ http_proxy: PROXY, REQUEST_METHOD: 'GET' }, url)).toBe(PROXY);
  });
});

describe('NO_PROXY', () => {
  test.each([
    ['*', 'https://api.kilometers.ai', true],
    ['api.kilometers.ai', 'https://api.kilometers.ai', true],
    ['kilometers.ai', 'https://api.kilometers.ai', true],
    ['.kilometers.ai', 'https://api.kilometers.ai', true],
    ['*.kilometers.ai', 'https://api.kilometers.ai', true],
    ['KILOMETERS.AI', 'https://api.kilometers.ai', true],
    ['a.example, kilometers.ai', 'https://api.kilometers.ai', true],
    ['a.example  kilometers.ai', 'https://api.kilometers.ai', true],
    ['meters.ai', 'https://api.kilometers.ai', false],
    ['api.kilometers.ai:443', 'https://api.kilometers.ai', true],
    ['api.kilometers.ai:8443', 'https://api.kilometers.ai', false],
    ['api.kilometers.ai:8443', 'https://api.kilometers.ai:8443', true],
    ['10.1.2.3', 'https://10.1.2.3', true],
    ['1.2.3', 'https://10.1.2.3', false],
    ['10.0.0.0/8', 'https://10.1.2.3', true],
    ['10.0.0.0/8', 'https://11.1.2.3', false],
    ['10.0.0.0/8', 'https://api.kilometers.ai', false],
    ['10.0.0.0/99', 'https://10.1.2.3', false],
    ['fd00::/8', 'https://[fd12::1]', true],
    ['fd12::1', 'https://[fd12::1]', true],
    ['[fd12::1]:443', 'https://[fd12::1]', true],
    ['', 'https://api.kilometers.ai', false],
    [',, ,', 'https://api.kilometers.ai', false],
  ])('%j at %s: %s', (exceptions, url, isDirect) => {
    for (const name of ['NO_PROXY', 'no_proxy'])
      expect(chosen({ HTTPS_PROXY: PROXY, [name]: exceptions }, new URL(url))).toBe(
        isDirect ? undefined : PROXY,
      );
  });

  test('never fails, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        chosen({ HTTPS_PROXY: PROXY, NO_PROXY: text });
      }),
    );
  });
});

describe('what is shown to a proxy', () => {
  test.each([
    ['http://user:p%40ss@proxy', 'user:p@ss'],
    ['http://us%3Aer@proxy', 'us:er:'],
    ['http://user:50%@proxy', 'user:50%'],
    ['http://user:%w0rd%40@proxy', 'user:%w0rd@'],
    ['http://user:p\u00e4ss@proxy', 'user:p\u00e4ss'],
  ])('of %s is %s', (value, pair) => {
    const header = proxyAuthorization(proxyAddress({ name: 'HTTPS_PROXY', value }));
    expect(header).toBe(`Basic ${Buffer.from(pair).toString('base64')}`);
  });

  test('is no text where a byte is none', () => {
    const header = proxyAuthorization(new URL('http://user:%E4@proxy'));
    expect(header).toBe(`Basic ${Buffer.from('user:\u00e4', 'latin1').toString('base64')}`);
  });

  test('is nothing where its address has neither', () => {
    expect(proxyAuthorization(new URL('http://proxy'))).toBeUndefined();
  });
});

describe('the address of a proxy', () => {
  const address = (value: string): string => proxyAddress({ name: 'HTTPS_PROXY', value }).href;
  test.each([
    ['proxy:8080', 'http://proxy:8080/'],
    ['http://user:p%40ss@proxy:3128', 'http://user:p%40ss@proxy:3128/'],
    ['https://proxy', 'https://proxy/'],
  ])('%s is %s', (value, href) => {
    expect(address(value)).toBe(href);
  });

  test.each([
    ['socks5://proxy:1080', 'speaks socks5; km speaks to http and https proxies'],
    ['http://', 'no address of a proxy'],
    ['http://secret@:99999', 'no address of a proxy'],
  ])('%s is refused, and not repeated', (value, said) => {
    expect(() => address(value)).toThrow(said);
    expect(() => address(value)).not.toThrow('secret');
  });
});
