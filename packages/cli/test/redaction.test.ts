import { assert as check, constantFrom, jsonValue, property, string, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withoutObviousSecrets } from '../src/monitor/obvious-secrets.js';
import { createRedactor, parseFieldPath } from '../src/monitor/redaction.js';

function redact(text: string, ...paths: string[]) {
  const { payload, count } = createRedactor(paths.map((path) => parseFieldPath(path)!))(Buffer.from(text));
  return { text: payload?.toString(), count };
}

const KEY = '-----BEGIN RSA PRIVATE KEY-----\\nMIIEow\\nIBAAKCAQ==\\n-----END RSA PRIVATE KEY-----';

describe('secrets that show what they are', () => {
  test.each([
    [
      'a bearer token',
      '{"h":"Authorization: Bearer abc.def-ghi_123"}',
      '{"h":"Authorization: Bearer [redacted]"}',
    ],
    ['in any case', '{"h":"AUTHORIZATION: BEARER abcdefgh"}', '{"h":"AUTHORIZATION: BEARER [redacted]"}'],
    ['a short one', '{"h":"Bearer t0ken"}', '{"h":"Bearer [redacted]"}'],
    [
      'a password in a header',
      '{"authorization":"Basic dXNlcjpwYXNz"}',
      '{"authorization":"Basic [redacted]"}',
    ],
    ['a private key', `{"a":"${KEY}","b":1}`, '{"a":"[redacted]","b":1}'],
    [
      'a private key without its end',
      '{"a":"x -----BEGIN PRIVATE KEY-----\\nMII","b":1}',
      '{"a":"x [redacted]","b":1}',
    ],
    [
      'a private key in JSON in JSON',
      `{"a":"{\\"k\\":\\"${KEY.slice(0, 60)}\\"}"}`,
      '{"a":"{\\"k\\":\\"[redacted]\\"}"}',
    ],
    ['two private keys', `{"a":["${KEY}","${KEY}"]}`, '{"a":["[redacted]","[redacted]"]}'],
    ['an API key of ours', '{"a":"key=km_live_abc123;"}', '{"a":"key=[redacted];"}'],
    [
      'one of each kind',
      '["km_pro_aaaa","km_free_bbb","km_ent_cccc"]',
      '["[redacted]","[redacted]","[redacted]"]',
    ],
    ['a JWT', '{"t":"eyJhbGciOiJ9.eyJzdWIiOiIx.c2ln"}', '{"t":"[redacted]"}'],
    [
      'a JWT behind Bearer, once',
      '{"t":"Bearer eyJhbGciOiJ9.eyJzdWIiOiIx.c2ln"}',
      '{"t":"Bearer [redacted]"}',
    ],
  ])('%s', (_, text, expected) => {
    const result = redact(text);
    expect(result.text).toBe(expected);
    expect(() => JSON.parse(expected) as unknown).not.toThrow();
    expect(result.count).toBe(expected.split('[redacted]').length - 1);
  });

  test.each([
    '{"text":"the bearer of news, basic facts, energy and keys"}',
    '{"text":"speed in km_per_h, PRIVATE KEY, -----BEGIN CERTIFICATE-----"}',
    '{"text":"eyJ is how it begins"}',
  ])('leaves alone what is none: %s', (text) => {
    expect(redact(text)).toEqual({ text, count: 0 });
  });

  test('leaves every other byte as it was, readable or not', () => {
    const around = Buffer.from([0xff, 0xfe, 0x22, 0xc3, 0x28]);
    const message = Buffer.concat([around, Buffer.from('km_live_abc123'), around]);
    const { payload } = createRedactor([])(message);
    expect(payload).toEqual(Buffer.concat([around, Buffer.from('[redacted]'), around]));
  });

  test('finds a secret whatever stands around it, and JSON stays JSON', () => {
    const secret = constantFrom(
      'Bearer abcdef123456',
      'km_live_abcdef1234',
      'eyJhbGciOiJ9.eyJzdWIiOiIx.c2lnbmF0dXJl',
    );
    check(
      property(tuple(string(), secret, string(), jsonValue()), ([before, secretText, after, other]) => {
        const text = JSON.stringify({ a: `${before} ${secretText} ${after}`, other });
        const result = withoutObviousSecrets(text);
        expect(result.text).not.toContain(secretText.replace('Bearer ', ''));
        expect(() => JSON.parse(result.text) as unknown).not.toThrow();
      }),
    );
  });

  test.each([
    'eyJ-',
    'eyJa.',
    '-----BEGIN PRIVATE KEY-----',
    'Bearer ',
    'km_aa_',
    'authorization: basic ',
    '-----BEGIN ',
  ])('takes time in proportion to the length: %j over and over', (part) => {
    const text = part.repeat(Math.ceil(1_000_000 / part.length));
    const startedAtMs = performance.now();
    withoutObviousSecrets(text);
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  });
});

describe('fields that the user names', () => {
  const message =
    '{"method":"x","params":{"arguments":{"user":"me","password":"s3"},"list":[{"pin":1},{"pin":[2,{}]}]},"id":1}';

  test('are replaced where they are, whatever they hold, and nothing else changes', () => {
    expect(redact(message, 'params.arguments.password').text).toBe(message.replace('"s3"', '"[redacted]"'));
    expect(redact(message, 'params.arguments').text).toBe(
      message.replace('{"user":"me","password":"s3"}', '"[redacted]"'),
    );
    expect(redact(message, 'params.list.*.pin')).toEqual({
      text: message.replace('"pin":1', '"pin":"[redacted]"').replace('[2,{}]', '"[redacted]"'),
      count: 2,
    });
    expect(redact(message, 'params.list.1.pin').count).toBe(1);
    expect(redact(message, 'params.*.password', 'params.arguments.user').count).toBe(2);
  });

  test('keep numbers and spaces around them as they were written', () => {
    expect(redact('{ "n" : 1.000000000000000000001, "p" :\t"s" }', 'p').text).toBe(
      '{ "n" : 1.000000000000000000001, "p" :\t"[redacted]" }',
    );
  });

  test('are found under a name written with escapes, or with a dot in it', () => {
    expect(redact('{"p\\u0061ss":"s"}', 'pass').text).toBe('{"p\\u0061ss":"[redacted]"}');
    expect(redact('{"a.b":{"c":"s"}}', 'a\\.b.c').text).toBe('{"a.b":{"c":"[redacted]"}}');
  });

  test('are found in each message of a batch', () => {
    expect(redact('[{"p":{"q":1}},{"p":{"q":2}}]', 'p.q').text).toBe(
      '[{"p":{"q":"[redacted]"}},{"p":{"q":"[redacted]"}}]',
    );
  });

  test('both of two members with one name are replaced', () => {
    expect(redact('{"p":"s","p":"t"}', 'p').count).toBe(2);
  });

  test('leave no payload at all where a message cannot be read', () => {
    expect(redact('{"p":"s', 'p')).toEqual({ text: undefined, count: 0 });
    expect(redact('{"a":{"p":oops "s"}}', 'a.p').text).toBeUndefined();
    expect(redact('{"a" "p":"s"}', 'p').text).toBeUndefined();
  });

  test('are gone from any message, and nothing else is', () => {
    check(
      property(jsonValue(), jsonValue(), (secret, other) => {
        const text = JSON.stringify({ other, params: { secret, other } });
        const result = redact(text, 'params.secret').text ?? '';
        expect(JSON.parse(result)).toEqual(
          JSON.parse(JSON.stringify({ other, params: { secret: '[redacted]', other } })),
        );
      }),
    );
  });

  test.each(['', '.', 'a.', '.a', 'a..b'])('%j is no path', (text) => {
    expect(parseFieldPath(text)).toBeUndefined();
  });
});
