import { assert as check, constantFrom, pre, property, stringMatching, tuple } from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { mayHaveSecrets, withoutObviousSecrets } from '../src/monitor/obvious-secrets.js';

const [BEGIN, END] = ['-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----'];
const LINE = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';
const REDACTED = Array.from({ length: 5 }, () => '[redacted]');

function expectRedacted(text: string, expected: string): void {
  const count = expected.split('[redacted]').length - 1;
  expect(withoutObviousSecrets(text)).toEqual({ text: expected, count });
  if (count > 0) expect(mayHaveSecrets(Buffer.from(text))).toBe(true);
  expect(withoutObviousSecrets(expected)).toEqual({ text: expected, count: 0 });
  expect(() => JSON.parse(expected) as unknown).not.toThrow();
}

describe('a secret with an escape in it goes whole', () => {
  test.each([
    ['as PHP writes it', '"Bearer abcdefgh\\/ijklmnop+qrst"', '"Bearer [redacted]"'],
    ['with the escape early', '"Bearer abc\\/defghijkl"', '"Bearer [redacted]"'],
    ['a short one', '"Bearer a\\/1b."', '"Bearer [redacted]"'],
    ['as .NET writes it', '"Bearer abcdefgh\\u002Bijkl\\u003d\\u003D, x"', '"Bearer [redacted], x"'],
    ['in JSON in JSON', '"{\\"a\\":\\"Bearer abcdefgh\\\\/ijkl\\"}"', '"{\\"a\\":\\"Bearer [redacted]\\"}"'],
    [
      'in JSON in JSON of .NET',
      '"{\\u0022a\\u0022:\\u0022Bearer abcd\\\\u002Befgh\\u0022}"',
      '"{\\u0022a\\u0022:\\u0022Bearer [redacted]\\u0022}"',
    ],
    ['in a URL', '"h=Bearer%20abcdefgh%2Fijkl%3D%3D&i=1"', '"h=Bearer%20[redacted]&i=1"'],
    ['in a URL in a URL', '"h%3DBearer%2520abcd%252Fefgh%26i"', '"h%3DBearer%2520[redacted]%26i"'],
    [
      'a password',
      '{"authorization":"Basic dXNl\\/jpw\\u002BYXNz\\u003D"}',
      '{"authorization":"Basic [redacted]"}',
    ],
  ])('%s', (_, text, expected) => expectRedacted(text, expected));

  test('whatever wrote it', () => {
    const php = (text: string) => JSON.stringify(text).replaceAll('/', '\\/');
    const dotNet = (text: string) =>
      JSON.stringify(text)
        .replaceAll('+', '\\u002B')
        .replaceAll(/(?<!^)\\"(?!$)/g, '\\u0022');
    const write = constantFrom<(text: string) => string>(JSON.stringify, php, dotNet);
    const encode = constantFrom<(text: string) => string>(String, encodeURIComponent);
    const token = stringMatching(/^[A-Za-z0-9]{2,8}[+/=]{1,3}[a-z0-9+/]{4,20}$/);
    const scheme = constantFrom('Bearer ', 'Authorization: Basic ');
    check(
      property(tuple(scheme, token, encode, write, write), ([head, value, inUrl, inner, outer]) => {
        // Its end may be a part of what is written around it.
        pre(!'[redacted]Authorization: Basic Bearer \\u0022\\u002B'.includes(value.slice(-4)));
        const tail = 'TAIL0TAIL';
        const text = outer(inner(inUrl(`${head}${value}${tail}`)));
        expect(mayHaveSecrets(Buffer.from(text))).toBe(true);
        const result = withoutObviousSecrets(text).text;
        expect(result).not.toContain(tail);
        expect(result).not.toContain(value.slice(-4));
        expect(typeof JSON.parse(result)).toBe('string');
        expect(withoutObviousSecrets(result)).toEqual({ text: result, count: 0 });
      }),
      { numRuns: 500 },
    );
  });
});

describe('a password is found in any list of headers', () => {
  test.each([
    ['of a HAR', '{"name":"Authorization","value":"Basic dXNlcjpwYXNz"}'],
    [
      'of Postman, laid out',
      '"{\\n  \\"key\\": \\"Authorization\\",\\n  \\"value\\": \\"Basic dXNlcjpwYXNz\\"}"',
    ],
    ['of Node', '["Host","a","Authorization","Basic dXNlcjpwYXNz"]'],
    ['of Ruby', '"{\\"Authorization\\" => \\"Basic dXNlcjpwYXNz\\"}"'],
    ['in a call', "\"setHeader('authorization', 'basic dXNlcjpwYXNz')\""],
    ['in a URL', '"h=Authorization%3A%20Basic%20dXNlcjpwYXNz"'],
  ])('%s', (_, text) => expectRedacted(text, text.replace('dXNlcjpwYXNz', '[redacted]')));

  test('and not in prose', () => {
    const text = '"authentication, authorization, basic training"';
    expect(withoutObviousSecrets(text)).toEqual({ text, count: 0 });
  });
});

describe('a private key that is split over strings goes whole', () => {
  test.each([
    ['lines of it', [BEGIN, LINE, END], ['[redacted]', '[redacted]', '[redacted]']],
    ['with a short last line', ['a', BEGIN, LINE, 'abc=', END, 'b'], ['a', ...REDACTED.slice(0, 4), 'b']],
    [
      'with their ends',
      [`${BEGIN}\n`, `${LINE}\n`, `abc=\n${END}\n`],
      [...REDACTED.slice(0, 2), '[redacted]\n'],
    ],
    ['without its end', [BEGIN, LINE, 'word'], ['[redacted]', '[redacted]', 'word']],
    [
      'with what an encrypted one says first',
      [BEGIN, 'Proc-Type: 4,ENCRYPTED', 'DEK-Info: AES-128-CBC,0123456789ABCDEF', '', LINE, END],
      [
        '[redacted]',
        'Proc-Type: 4,ENCRYPTED',
        'DEK-Info: AES-128-CBC,0123456789ABCDEF',
        '',
        '[redacted]',
        '[redacted]',
      ],
    ],
    [
      'found by a search',
      [
        { line: 1, text: BEGIN },
        { line: 2, text: LINE },
      ],
      [
        { line: 1, text: '[redacted]' },
        { line: 2, text: '[redacted]' },
      ],
    ],
    ['two of them', [BEGIN, LINE, BEGIN, LINE, END], REDACTED],
  ])('%s', (_, value, expected: unknown) => {
    expectRedacted(JSON.stringify(value), JSON.stringify(expected));
    const inJson = JSON.stringify({ text: JSON.stringify(value, null, 2) });
    const result = withoutObviousSecrets(inJson).text;
    expect(result).not.toContain(LINE);
    expect(JSON.parse((JSON.parse(result) as { readonly text: string }).text)).toEqual(expected);
  });

  test.each([
    ['as a program puts it together', `"${BEGIN}\\n" +\n  "${LINE}\\n" +\n  "${END}"`],
    ['in a form', `k=${BEGIN}\n${LINE}\n${END}`.replaceAll(' ', '+')],
    ['in a URL', `k=${BEGIN}%0A${LINE}%0A${END}`.replaceAll(' ', '%20')],
  ])('%s', (_, text) => {
    const result = withoutObviousSecrets(JSON.stringify({ text }));
    expect(result.text).not.toContain('MIIE');
    expect(() => JSON.parse(result.text) as unknown).not.toThrow();
  });

  test('what only speaks of one takes nothing with it that has a name', () => {
    const text = JSON.stringify({
      text: `look for ${BEGIN}`,
      structuredContent: { n: 1_234_567_890_123_456 },
    });
    expectRedacted(text, text.replace(BEGIN, '[redacted]'));
  });
});

describe('a JWT goes whole', () => {
  const [header, iv, tag] = [
    'eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0',
    'AxY8DCtDaGlsbGljb3RoZQ',
    '9hH0vgRfYgPnAHOd8stkvw',
  ];
  test.each([
    ['signed', `${header}.eyJzdWIiOiIxIn0.${tag}`],
    ['without a signature', `${header}.eyJzdWIiOiIxIn0.`],
    [
      'encrypted',
      `${header}.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKo.${iv}.KDlTtXchhZTGufMYmOYGS4HffxPSUrfm.${tag}`,
    ],
    ['encrypted with a key that both have', `${header}..${iv}.KDlTtXchhZTGufMYmOYGS4HffxPSUrfm.${tag}`],
  ])('%s', (_, token) => {
    expectRedacted(JSON.stringify({ a: `t=${token}, b` }), '{"a":"t=[redacted], b"}');
  });

  test('and what only begins as one, and is left out, stays', () => {
    const text = '"such as eyJhbGciOiJkaXIi... or eyJhbGciOiJkaXIi.."';
    expect(withoutObviousSecrets(text)).toEqual({ text, count: 0 });
  });
});

/** How many characters all searches of it pass over. */
function charactersSearched(text: string): number {
  let characters = 0;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its `this` below
  const exec = RegExp.prototype.exec;
  const spy = vi.spyOn(RegExp.prototype, 'exec').mockImplementation(function (this: RegExp, input) {
    const from = this.lastIndex;
    const match = exec.call(this, input);
    const end = match === null ? (this.sticky ? from + 1 : input.length) : match.index + match[0].length;
    characters += end - from;
    return match;
  });
  onTestFinished(() => spy.mockRestore());
  withoutObviousSecrets(text);
  spy.mockRestore();
  return characters;
}

test.each([
  `"${BEGIN}",`,
  `"${BEGIN}","${LINE}",`,
  `${BEGIN}\\n${LINE}\\n${END}\\n`,
  `"Bearer abcdefgh\\/ijkl",`,
  '"Authorization","Basic abcd",',
  'Bearer \\\\\\\\',
  'eyJabcd.abcd.abcd.abcd',
  'eyJabcd..abcd.',
])('a text is searched a number of times that its length has no part in: %s', (part) => {
  const [short, long] = [100, 2_000].map((times) => charactersSearched(part.repeat(times)) / times);
  expect(long).toBeLessThan(short! * 1.5);
});
