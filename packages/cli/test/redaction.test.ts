import { assert as check, constantFrom, jsonValue, property, string, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withoutObviousSecrets } from '../src/monitor/obvious-secrets.js';
import { createRedactor, parseFieldPath } from '../src/monitor/redaction.js';

function redact(text: string, ...paths: string[]) {
  const { payload, count } = createRedactor(paths.map((path) => parseFieldPath(path)!))(Buffer.from(text));
  return { text: payload?.toString(), count };
}

const KEY = '-----BEGIN RSA PRIVATE KEY-----\\nMIIEow\\nIBAAKCAQ==\\n-----END RSA PRIVATE KEY-----';

const PLAIN_KEY = KEY.replaceAll('\\n', '\n');

describe('secrets that show what they are', () => {
  test.each([
    [
      'a bearer token',
      '{"h":"Authorization: Bearer abc.def-ghi_123"}',
      '{"h":"Authorization: Bearer [redacted]"}',
    ],
    ['in any case', '{"h":"AUTHORIZATION: BEARER abcdefgh"}', '{"h":"AUTHORIZATION: BEARER [redacted]"}'],
    ['in any mixture', '{"h":"beaReR abcdefgh"}', '{"h":"beaReR [redacted]"}'],
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
    ['a private key in a URL', `"k=${encodeURIComponent(PLAIN_KEY)}"`, '"k=[redacted]"'],
    [
      'a private key in a form',
      `"k=${new URLSearchParams({ k: PLAIN_KEY }).toString().slice(2)}"`,
      '"k=[redacted]"',
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
    ['a key on a line of its own', '"Your key:\\nkm_live_abcdef0123456789"', '"Your key:\\n[redacted]"'],
    ['a key in a column', '"key\\tkm_live_abcdef0123456789\\r\\n"', '"key\\t[redacted]\\r\\n"'],
    [
      'a JWT on a line of its own',
      '"token:\\neyJhbGciOiJ9.eyJzdWIiOiIx.c2ln\\n"',
      '"token:\\n[redacted]\\n"',
    ],
    ['a bearer token at the start of a line', '"\\nBearer abcdefgh12345678"', '"\\nBearer [redacted]"'],
    ['in JSON in JSON', '"{\\"a\\":\\"\\\\nkm_live_abc123\\"}"', '"{\\"a\\":\\"\\\\n[redacted]\\"}"'],
    ['and in that once more', '"\\\\\\\\nBearer abcdefgh"', '"\\\\\\\\nBearer [redacted]"'],
    ['in a URL', '"cb%3Ftoken%3DeyJhbGciOiJ9.eyJzdWIiOiIx.c2ln%26a"', '"cb%3Ftoken%3D[redacted]%26a"'],
    [
      'a header in a URL',
      '"h=Bearer%20abcdefgh&i=Bearer+abcdefgh"',
      '"h=Bearer%20[redacted]&i=Bearer+[redacted]"',
    ],
    ['behind an escaped character', '"\\u003dkm_live_abc123"', '"\\u003d[redacted]"'],
    ['in colour', '"\\u001b[1;32mkm_live_abc123\\u001b[0m"', '"\\u001b[1;32m[redacted]\\u001b[0m"'],
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
    '{"text":"forbearer abcdefgh, akm_live_abc123, xeyJhbGciOiJ9.eyJzdWIiOiIx.c2ln"}',
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
    const beside = constantFrom(' ', '\n', '\t', '\r\n', '"', '\\', '%3D', '%0A', '/', 'é', '\u001b[0m', '');
    const depth = constantFrom(0, 1, 2);
    check(
      property(
        tuple(string(), beside, secret, beside, string(), jsonValue(), depth),
        ([before, left, secretText, right, after, other, times]) => {
          // What is glued to a word is one, and no secret.
          const start = left === '' ? '' : before + left;
          const end = right === '' ? '' : right + after;
          let text = JSON.stringify({ a: `${start}${secretText}${end}`, other });
          for (let time = 0; time < times; time += 1) text = JSON.stringify({ text });
          const result = withoutObviousSecrets(text);
          expect(result.text).not.toContain(secretText.replace('Bearer ', ''));
          expect(result.count).toBeGreaterThan(0);
          expect(() => JSON.parse(result.text) as unknown).not.toThrow();
          expect(withoutObviousSecrets(result.text)).toEqual({ text: result.text, count: 0 });
        },
      ),
      { numRuns: 500 },
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
    const before = process.cpuUsage();
    withoutObviousSecrets(text);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
  });

  test('are found wherever they stand in a long message', () => {
    for (const secret of ['km_live_abc123', KEY, 'Bearer abcdefgh']) {
      for (let before = 32 * 1024 - 100; before < 32 * 1024 + 10; before += 1) {
        const { count } = redact(`${' '.repeat(before)}${secret} ${' '.repeat(40_000)}`);
        expect(count, `${secret} at ${before}`).toBe(1);
      }
    }
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
